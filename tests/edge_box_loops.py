"""Edge Boxes as its paper writes it, one group and one box at a time: an oracle for array code."""

import math

import numpy as np


def combine(y, x, orientation, most_turn):
    """The group of each pixel: links by ascending turn, joined while the sum stays small."""
    links = []
    offsets = [(0, 1), (1, -1), (1, 0), (1, 1)]
    where = {(row, column): i for i, (row, column) in enumerate(zip(y, x, strict=True))}
    for dy, dx in offsets:
        for i in range(len(y)):
            j = where.get((y[i] + dy, x[i] + dx))
            if j is not None:
                turn = abs(orientation[i] - orientation[j])
                links.append((min(turn, math.pi - turn), i, j))
    links.sort(key=lambda link: link[0])  # stable
    group, turns = list(range(len(y))), [0.0] * len(y)
    for turn, i, j in links:
        a, b = group[i], group[j]
        if a != b and turns[a] + turns[b] + turn <= most_turn:
            turns[a] += turns[b] + turn
            group = [a if g == b else g for g in group]
    return group


def affinity(groups, y, x, i, j, gamma=2.0):
    """Of two groups; 0 if they are nowhere within two pixels."""
    pixels = [np.flatnonzero(groups.labels == g) for g in (i, j)]
    near = any(
        abs(y[p] - y[q]) <= 2 and abs(x[p] - x[q]) <= 2 for p in pixels[0] for q in pixels[1]
    )
    if not near:
        return 0.0
    dx, dy = groups.position[j] - groups.position[i]
    between = math.atan2(dy, dx)
    bend = math.cos(groups.orientation[i] - between) * math.cos(groups.orientation[j] - between)
    value = abs(bend) ** gamma
    return value if value >= 0.05 else 0.0


def affinity_matrix(groups, y, x):
    """(G, G)."""
    count = len(groups.magnitude)
    matrix = np.zeros((count, count))
    for i in range(count):
        for j in range(i + 1, count):
            matrix[i, j] = matrix[j, i] = affinity(groups, y, x, i, j)
    return matrix


def best_product(matrix, starts, end):
    """The largest product of affinities along any path from one of the groups to ``end``."""
    best = [1.0 if i in starts else 0.0 for i in range(len(matrix))]
    for _ in matrix:
        for i in range(len(matrix)):
            for j in range(len(matrix)):
                best[j] = max(best[j], best[i] * matrix[i, j])
    return best[end] if best[end] >= 0.05 else 0.0


def score(groups, matrix, y, x, magnitude, box, kappa=1.5, beyond=True):
    """Of a box. With ``beyond`` paths start from all groups not wholly inside, else only from those
    upon the border, with pixels inside and outside."""
    x1, y1, x2, y2 = box
    within = [x1 <= px < x2 and y1 <= py < y2 for py, px in zip(y, x, strict=True)]
    inside, starts = [], []
    for group in range(len(matrix)):
        members = [within[p] for p in range(len(y)) if groups.labels[p] == group]
        if all(members):
            inside.append(group)
        elif beyond or any(members):
            starts.append(group)
    total = 0.0
    for group in inside:
        total += (1 - best_product(matrix, starts, group)) * groups.magnitude[group]
    quarter_x, quarter_y = (x2 - x1) // 4, (y2 - y1) // 4
    for py, px, m in zip(y, x, magnitude, strict=True):
        if x1 + quarter_x <= px < x2 - quarter_x and y1 + quarter_y <= py < y2 - quarter_y:
            total -= m
    return total / (2 * ((x2 - x1) + (y2 - y1)) ** kappa)


def random_edges(rng, size, share=0.2):
    """Edge pixels with orientations that mostly agree with those of their neighbours."""
    y, x = np.nonzero(rng.random(size) < share)
    magnitude = rng.uniform(0.1, 1, len(y))
    orientation = (0.15 * x + rng.normal(0, 0.4, len(y))) % np.pi
    return y, x, magnitude, orientation
