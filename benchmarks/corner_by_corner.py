"""The published way to grow a region: one box at a time, one corner at a time.

Hamdi & Ghanem (2020), algorithms 1 and 2, corrected as docs/regions.md says, with the matrices of
the paper written out. The baseline of benchmarks/regions.py, and what the tests compare the
engine's batched rules with.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def grow_plainly(
    score: Callable[[Floats], float],
    gradient: Callable[[Floats], Floats],
    start: Floats,
    *,
    lower: Floats,
    upper: Floats,
    method: str,
    steps: int,
    learning_rate: float = 0.1,
    alpha: float = 0.05,
    beta: float = 0.0009,
    penalty: float = 0.1,
    initial_halfwidth: float = 1e-5,
) -> tuple[Floats, Floats]:
    """The final bounds a, b. `score` and `gradient` take one point (n,)."""
    n = len(start)
    # Columns are corners, the first axis changing fastest.
    m = np.array([bits[::-1] for bits in product((0.0, 1.0), repeat=n)]).T
    m_bar = 1 - m
    a, b = start - initial_halfwidth, start + initial_halfwidth
    for _ in range(steps):
        r = b - a
        delta = np.prod(r) / 2**n
        f_d = np.array([score(a + corner * r) for corner in m.T])
        if method == "naive":
            grad_a = 2 * delta / r * (m_bar @ f_d) - penalty * r
            grad_b = -2 * delta / r * (m @ f_d) + penalty * r
        elif method == "oir_b":
            outer_a = np.clip(a - alpha * r / 2, lower, upper)
            outer_b = np.clip(b + alpha * r / 2, lower, upper)
            outer = [outer_a * (1 - corner) + outer_b * corner for corner in m.T]
            f_q = np.array([score(point) for point in outer])
            growth = (1 + alpha) ** (n - 1)
            m_q = growth * ((1 + alpha / 2) * m + alpha / 2 * m_bar)
            m_q_bar = growth * ((1 + alpha / 2) * m_bar + alpha / 2 * m)
            grad_a = 2 * delta / r * (2 * m_bar @ f_d - m_q_bar @ f_q)
            grad_b = 2 * delta / r * (-2 * m @ f_d + m_q @ f_q)
        else:
            g = np.array([gradient(a + corner * r) for corner in m.T])
            own = 2 - (2 * n - 1) * beta
            m_d, m_d_bar = own * m - beta * m_bar, own * m_bar - beta * m
            s, s_bar = np.zeros(n), np.zeros(n)
            for k in range(n):
                for i in range(n):
                    if i != k:
                        s[k] += r[i] / r[k] * (((m[i] - m_bar[i]) * m[k]) @ g[:, i])
                        s_bar[k] += r[i] / r[k] * (((m_bar[i] - m[i]) * m_bar[k]) @ g[:, i])
            grad_a = delta * (m_d_bar @ f_d / r + beta * np.diag(m_bar @ g) + beta * s_bar)
            grad_b = delta * (-m_d @ f_d / r + beta * np.diag(m @ g) + beta * s)
        a = np.clip(a - learning_rate * grad_a, lower, upper)
        b = np.clip(b - learning_rate * grad_b, lower, upper)
    return a, b
