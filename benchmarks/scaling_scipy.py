"""The published ways to fit Chinchilla's law, in scipy: the peer of `isoflop bench fits`.

Reads lines "N D loss" from standard input. Each job is timed on one thread and printed as a line "name seconds of ran objective":
  grid-differences   Hoffmann et al. 2022: 4,500 starts of L-BFGS-B, gradients by finite differences
  grid-gradient      the same with exact gradients
  bootstrap-bfgs     Besiroglu et al. 2024: 4,000 case resamples, each by BFGS from Hoffmann's vector, exact gradients
  bootstrap-lbfgsb   the same by L-BFGS-B from the optimum
  projection         24 x 24 exponents, the rest by non-negative least squares, one BFGS from the best
Long jobs run a sample of their starts or resamples, evenly spread, and say how many; "seconds" is scaled up to all of them.
Only numpy and scipy are needed (Debian: python3-scipy).
"""

import argparse
import itertools
import sys
import time

import numpy as np
import scipy
from scipy.optimize import minimize, nnls

HOFFMANN = np.array([np.log(406.4), np.log(410.7), np.log(1.69), 0.34, 0.28])
DELTA = 1e-3


class Points:
    def __init__(self, n, d, loss, weight=None):
        self.x, self.y, self.l = np.log(n), np.log(d), np.log(loss)
        self.w = np.ones(len(n)) if weight is None else weight

    def terms(self, t):
        a, b, e, alpha, beta = t
        return np.stack([a - alpha * self.x, b - beta * self.y, np.full_like(self.x, e)])

    def value(self, t):
        z = self.terms(t)
        top = z.max(axis=0)
        r = top + np.log(np.exp(z - top).sum(axis=0)) - self.l
        m = np.abs(r)
        return (self.w * np.where(m <= DELTA, 0.5 * r * r, DELTA * (m - 0.5 * DELTA))).sum()

    def value_and_gradient(self, t):
        z = self.terms(t)
        top = z.max(axis=0)
        p = np.exp(z - top)
        s = p.sum(axis=0)
        p /= s
        r = top + np.log(s) - self.l
        m = np.abs(r)
        slope = self.w * np.clip(r, -DELTA, DELTA)
        value = (self.w * np.where(m <= DELTA, 0.5 * r * r, DELTA * (m - 0.5 * DELTA))).sum()
        g = np.array(
            [
                (slope * p[0]).sum(),
                (slope * p[1]).sum(),
                (slope * p[2]).sum(),
                -(slope * p[0] * self.x).sum(),
                -(slope * p[1] * self.y).sum(),
            ]
        )
        return value, g


def starts():
    return list(
        itertools.product(
            np.arange(0, 30, 5), np.arange(0, 30, 5), np.arange(-1, 1.5, 0.5), np.arange(0, 2.5, 0.5), np.arange(0, 2.5, 0.5)
        )
    )


def sample(items, count):
    return items if count >= len(items) else [items[i * len(items) // count] for i in range(count)]


def grid(points, gradient, count):
    every = starts()
    some = sample(every, count)
    begun = time.perf_counter()
    best = np.inf
    for start in some:
        found = minimize(
            points.value_and_gradient if gradient else points.value, np.array(start, float), jac=gradient or None, method="L-BFGS-B"
        )
        best = min(best, found.fun)
    took = time.perf_counter() - begun
    return {"seconds": took * len(every) / len(some), "of": len(every), "ran": len(some), "objective": float(best)}


def bootstrap(points, method, start, count):
    resamples = 4000
    rng = np.random.RandomState(42)
    n = len(points.x)
    draws = [rng.choice(n, n, replace=True) for _ in range(resamples)]
    some = sample(draws, count)
    begun = time.perf_counter()
    for draw in some:
        own = Points(np.exp(points.x[draw]), np.exp(points.y[draw]), np.exp(points.l[draw]))
        minimize(own.value_and_gradient, start, jac=True, method=method)
    took = time.perf_counter() - begun
    return {"seconds": took * resamples / len(some), "of": resamples, "ran": len(some)}


def projection(points):
    best, seed = np.inf, HOFFMANN
    loss = np.exp(points.l)
    for alpha in np.geomspace(0.05, 1.5, 24):
        for beta in np.geomspace(0.05, 1.5, 24):
            columns = np.stack(
                [np.exp(-alpha * (points.x - points.x.mean())), np.exp(-beta * (points.y - points.y.mean())), np.ones_like(points.x)], axis=1
            )
            c, residual = nnls(columns / loss[:, None], np.ones_like(loss))
            if residual < best and (c > 0).all():
                best = residual
                seed = np.array(
                    [np.log(c[0]) + alpha * points.x.mean(), np.log(c[1]) + beta * points.y.mean(), np.log(c[2]), alpha, beta]
                )
    return minimize(points.value_and_gradient, seed, jac=True, method="BFGS", options={"gtol": 1e-10})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--starts", type=int, default=60, help="starts of the grids that are run (default 60; 4500 for all)")
    parser.add_argument("--resamples", type=int, default=60, help="resamples that are run (default 60; 4000 for all)")
    arguments = parser.parse_args()
    table = np.array([[float(v) for v in line.split()] for line in sys.stdin if line.strip()])
    points = Points(table[:, 0], table[:, 1], table[:, 2])
    begun = time.perf_counter()
    optimum = projection(points)
    seconds = time.perf_counter() - begun
    jobs = {
        "projection": {"seconds": seconds, "of": 1, "ran": 1, "objective": float(optimum.fun)},
        "grid-gradient": grid(points, True, arguments.starts),
        "grid-differences": grid(points, False, max(1, arguments.starts // 3)),
        "bootstrap-bfgs": bootstrap(points, "BFGS", HOFFMANN, arguments.resamples),
        "bootstrap-lbfgsb": bootstrap(points, "L-BFGS-B", optimum.x, arguments.resamples),
    }
    for name, job in jobs.items():
        print(name, job["seconds"], job["of"], job["ran"], job.get("objective", "-"))
    print("# scipy", scipy.__version__, "numpy", np.__version__, "python", sys.version.split()[0])


if __name__ == "__main__":
    main()
