"""Computing: generators, classifiers, searches. PyTorch only; paths and sinks are passed in."""
