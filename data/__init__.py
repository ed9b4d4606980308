"""What is stored: the home folder, the database, images and perturbation tensors."""
