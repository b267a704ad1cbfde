"""Typical wrong answers to the exercise selective_search."""

import numpy as np
from planted_mistakes import mistake


@mistake("small case 5", "that do not touch", "boxes[3, 2] is 8 but must be 6")
def any_two_regions(size, boxes, histogram, neighbours):
    area = size.sum()
    sizes, all_boxes, histograms = list(size), list(boxes), list(histogram)
    pairs = {(a, b) for b in range(len(size)) for a in range(b)}

    def similarity(pair):
        a, b = pair
        both = sizes[a] + sizes[b]
        low = np.minimum(all_boxes[a][:2], all_boxes[b][:2])
        high = np.maximum(all_boxes[a][2:], all_boxes[b][2:])
        alike = np.minimum(histograms[a], histograms[b]).sum()
        return alike + 1 - both / area + 1 - ((high - low).prod() - both) / area

    merges = []
    while pairs:
        a, b = max(sorted(pairs), key=similarity)
        merged = len(all_boxes)
        merges.append((a, b))
        low = np.minimum(all_boxes[a][:2], all_boxes[b][:2])
        high = np.maximum(all_boxes[a][2:], all_boxes[b][2:])
        all_boxes.append(np.concatenate([low, high]))
        sizes.append(sizes[a] + sizes[b])
        histograms.append((sizes[a] * histograms[a] + sizes[b] * histograms[b]) / sizes[merged])
        around = {k for pair in pairs if a in pair or b in pair for k in pair} - {a, b}
        pairs = {pair for pair in pairs if a not in pair and b not in pair}
        pairs |= {(k, merged) for k in around}
    return np.array(all_boxes), np.array(merges, dtype=int).reshape(-1, 2)


@mistake("small case 7", "mix their colours by size", "boxes[5, 0] is 0 but must be 8")
def the_plain_mean_of_histograms(size, boxes, histogram, neighbours):
    area = size.sum()
    sizes, all_boxes, histograms = list(size), list(boxes), list(histogram)
    pairs = {(a, b) for a, b in neighbours.tolist()}

    def similarity(pair):
        a, b = pair
        both = sizes[a] + sizes[b]
        low = np.minimum(all_boxes[a][:2], all_boxes[b][:2])
        high = np.maximum(all_boxes[a][2:], all_boxes[b][2:])
        alike = np.minimum(histograms[a], histograms[b]).sum()
        return alike + 1 - both / area + 1 - ((high - low).prod() - both) / area

    merges = []
    while pairs:
        a, b = max(sorted(pairs), key=similarity)
        merged = len(all_boxes)
        merges.append((a, b))
        low = np.minimum(all_boxes[a][:2], all_boxes[b][:2])
        high = np.maximum(all_boxes[a][2:], all_boxes[b][2:])
        all_boxes.append(np.concatenate([low, high]))
        sizes.append(sizes[a] + sizes[b])
        histograms.append((histograms[a] + histograms[b]) / 2)
        around = {k for pair in pairs if a in pair or b in pair for k in pair} - {a, b}
        pairs = {pair for pair in pairs if a not in pair and b not in pair}
        pairs |= {(k, merged) for k in around}
    return np.array(all_boxes), np.array(merges, dtype=int).reshape(-1, 2)


@mistake("small case 2", "the two small regions first", "boxes[3, 0] is 0 but must be 2")
def the_least_similar(size, boxes, histogram, neighbours):
    area = size.sum()
    sizes, all_boxes, histograms = list(size), list(boxes), list(histogram)
    pairs = {(a, b) for a, b in neighbours.tolist()}

    def similarity(pair):
        a, b = pair
        both = sizes[a] + sizes[b]
        low = np.minimum(all_boxes[a][:2], all_boxes[b][:2])
        high = np.maximum(all_boxes[a][2:], all_boxes[b][2:])
        alike = np.minimum(histograms[a], histograms[b]).sum()
        return alike + 1 - both / area + 1 - ((high - low).prod() - both) / area

    merges = []
    while pairs:
        a, b = min(sorted(pairs), key=similarity)
        merged = len(all_boxes)
        merges.append((a, b))
        low = np.minimum(all_boxes[a][:2], all_boxes[b][:2])
        high = np.maximum(all_boxes[a][2:], all_boxes[b][2:])
        all_boxes.append(np.concatenate([low, high]))
        sizes.append(sizes[a] + sizes[b])
        histograms.append((sizes[a] * histograms[a] + sizes[b] * histograms[b]) / sizes[merged])
        around = {k for pair in pairs if a in pair or b in pair for k in pair} - {a, b}
        pairs = {pair for pair in pairs if a not in pair and b not in pair}
        pairs |= {(k, merged) for k in around}
    return np.array(all_boxes), np.array(merges, dtype=int).reshape(-1, 2)


@mistake("small case 4", "four equal regions", "boxes[4, 0] is 4 but must be 0")
def of_equals_the_last(size, boxes, histogram, neighbours):
    area = size.sum()
    sizes, all_boxes, histograms = list(size), list(boxes), list(histogram)
    pairs = {(a, b) for a, b in neighbours.tolist()}

    def similarity(pair):
        a, b = pair
        both = sizes[a] + sizes[b]
        low = np.minimum(all_boxes[a][:2], all_boxes[b][:2])
        high = np.maximum(all_boxes[a][2:], all_boxes[b][2:])
        alike = np.minimum(histograms[a], histograms[b]).sum()
        return alike + 1 - both / area + 1 - ((high - low).prod() - both) / area

    merges = []
    while pairs:
        a, b = max(sorted(pairs, reverse=True), key=similarity)
        merged = len(all_boxes)
        merges.append((a, b))
        low = np.minimum(all_boxes[a][:2], all_boxes[b][:2])
        high = np.maximum(all_boxes[a][2:], all_boxes[b][2:])
        all_boxes.append(np.concatenate([low, high]))
        sizes.append(sizes[a] + sizes[b])
        histograms.append((sizes[a] * histograms[a] + sizes[b] * histograms[b]) / sizes[merged])
        around = {k for pair in pairs if a in pair or b in pair for k in pair} - {a, b}
        pairs = {pair for pair in pairs if a not in pair and b not in pair}
        pairs |= {(k, merged) for k in around}
    return np.array(all_boxes), np.array(merges, dtype=int).reshape(-1, 2)


@mistake("small case 2", "boxes has the shape (4, 4) but must have (5, 4)", "1 too few")
def the_merged_region_has_no_neighbours(size, boxes, histogram, neighbours):
    area = size.sum()
    sizes, all_boxes, histograms = list(size), list(boxes), list(histogram)
    pairs = {(a, b) for a, b in neighbours.tolist()}

    def similarity(pair):
        a, b = pair
        both = sizes[a] + sizes[b]
        low = np.minimum(all_boxes[a][:2], all_boxes[b][:2])
        high = np.maximum(all_boxes[a][2:], all_boxes[b][2:])
        alike = np.minimum(histograms[a], histograms[b]).sum()
        return alike + 1 - both / area + 1 - ((high - low).prod() - both) / area

    merges = []
    while pairs:
        a, b = max(sorted(pairs), key=similarity)
        merged = len(all_boxes)
        merges.append((a, b))
        low = np.minimum(all_boxes[a][:2], all_boxes[b][:2])
        high = np.maximum(all_boxes[a][2:], all_boxes[b][2:])
        all_boxes.append(np.concatenate([low, high]))
        sizes.append(sizes[a] + sizes[b])
        histograms.append((sizes[a] * histograms[a] + sizes[b] * histograms[b]) / sizes[merged])
        pairs = {pair for pair in pairs if a not in pair and b not in pair}
    return np.array(all_boxes), np.array(merges, dtype=int).reshape(-1, 2)


@mistake("small case 6", "a box around", "boxes[3, 0] is 1 but must be 0")
def sizes_in_pixels(size, boxes, histogram, neighbours):
    area = size.sum()
    sizes, all_boxes, histograms = list(size), list(boxes), list(histogram)
    pairs = {(a, b) for a, b in neighbours.tolist()}

    def similarity(pair):
        a, b = pair
        both = sizes[a] + sizes[b]
        low = np.minimum(all_boxes[a][:2], all_boxes[b][:2])
        high = np.maximum(all_boxes[a][2:], all_boxes[b][2:])
        alike = np.minimum(histograms[a], histograms[b]).sum()
        return alike + 1 - both + 1 - ((high - low).prod() - both) / area

    merges = []
    while pairs:
        a, b = max(sorted(pairs), key=similarity)
        merged = len(all_boxes)
        merges.append((a, b))
        low = np.minimum(all_boxes[a][:2], all_boxes[b][:2])
        high = np.maximum(all_boxes[a][2:], all_boxes[b][2:])
        all_boxes.append(np.concatenate([low, high]))
        sizes.append(sizes[a] + sizes[b])
        histograms.append((sizes[a] * histograms[a] + sizes[b] * histograms[b]) / sizes[merged])
        around = {k for pair in pairs if a in pair or b in pair for k in pair} - {a, b}
        pairs = {pair for pair in pairs if a not in pair and b not in pair}
        pairs |= {(k, merged) for k in around}
    return np.array(all_boxes), np.array(merges, dtype=int).reshape(-1, 2)


@mistake("small case 6", "a box around", "boxes[3")
def without_the_fill(size, boxes, histogram, neighbours):
    area = size.sum()
    sizes, all_boxes, histograms = list(size), list(boxes), list(histogram)
    pairs = {(a, b) for a, b in neighbours.tolist()}

    def similarity(pair):
        a, b = pair
        both = sizes[a] + sizes[b]
        alike = np.minimum(histograms[a], histograms[b]).sum()
        return alike + 1 - both / area

    merges = []
    while pairs:
        a, b = max(sorted(pairs), key=similarity)
        merged = len(all_boxes)
        merges.append((a, b))
        low = np.minimum(all_boxes[a][:2], all_boxes[b][:2])
        high = np.maximum(all_boxes[a][2:], all_boxes[b][2:])
        all_boxes.append(np.concatenate([low, high]))
        sizes.append(sizes[a] + sizes[b])
        histograms.append((sizes[a] * histograms[a] + sizes[b] * histograms[b]) / sizes[merged])
        around = {k for pair in pairs if a in pair or b in pair for k in pair} - {a, b}
        pairs = {pair for pair in pairs if a not in pair and b not in pair}
        pairs |= {(k, merged) for k in around}
    return np.array(all_boxes), np.array(merges, dtype=int).reshape(-1, 2)


@mistake("small case 1", "two regions become one", "boxes[2, 0] is 1 but must be 0")
def the_shared_box(size, boxes, histogram, neighbours):
    area = size.sum()
    sizes, all_boxes, histograms = list(size), list(boxes), list(histogram)
    pairs = {(a, b) for a, b in neighbours.tolist()}

    def similarity(pair):
        a, b = pair
        both = sizes[a] + sizes[b]
        low = np.minimum(all_boxes[a][:2], all_boxes[b][:2])
        high = np.maximum(all_boxes[a][2:], all_boxes[b][2:])
        alike = np.minimum(histograms[a], histograms[b]).sum()
        return alike + 1 - both / area + 1 - ((high - low).prod() - both) / area

    merges = []
    while pairs:
        a, b = max(sorted(pairs), key=similarity)
        merged = len(all_boxes)
        merges.append((a, b))
        low = np.maximum(all_boxes[a][:2], all_boxes[b][:2])
        high = np.minimum(all_boxes[a][2:], all_boxes[b][2:])
        all_boxes.append(np.concatenate([low, high]))
        sizes.append(sizes[a] + sizes[b])
        histograms.append((sizes[a] * histograms[a] + sizes[b] * histograms[b]) / sizes[merged])
        around = {k for pair in pairs if a in pair or b in pair for k in pair} - {a, b}
        pairs = {pair for pair in pairs if a not in pair and b not in pair}
        pairs |= {(k, merged) for k in around}
    return np.array(all_boxes), np.array(merges, dtype=int).reshape(-1, 2)
