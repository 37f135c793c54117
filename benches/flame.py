#!/usr/bin/env python3
"""Draws a flame graph: `perf script -F comm,ip,sym | flame.py > flame.svg`, or `… | flame.py --top 20` for a table.

Each box is a function; its width is the share of the samples in which it was running, or something that it called. Boxes narrower than
a three-hundredth are left out. Runs of closures of one function are one box, and the frames of the executor itself are left out.
"""
import html
import re
import sys
from collections import Counter

WIDTH, ROW, LEAST = 1200, 16, 1 / 300
# What stands between a thread's start and what it does, and says nothing.
SCAFFOLD = re.compile(r"^(tokio::(runtime|task|loom|util)|std::(thread|panic|sys)|core::(ops|panic|future)|<?alloc::boxed|__rust_|start_thread|__clone|clone3?$|"
                      r"<core::(pin|panic)|entry_SYSCALL|do_syscall|x64_sys_call|__x64_|__syscall|ksys_)")


def stacks(lines):
    """Each sample as (thread, functions from the outside in)."""
    thread, frames = None, []
    for line in lines:
        if not line.strip():
            if thread and frames:
                yield thread, frames[::-1]
            thread, frames = None, []
        elif not line.startswith((" ", "\t")):
            thread = line.split()[0]
        else:
            frames.append(line.split(None, 1)[1].strip() if len(line.split(None, 1)) > 1 else "?")
    if thread and frames:
        yield thread, frames[::-1]


def plain(name):
    name = re.sub(r"(::\{\{closure\}\}|::\{closure#\d+\})+", "", name)
    name = re.sub(r"::h[0-9a-f]{16}$", "", name)
    return re.sub(r"^<(.*) as .*>::", r"\1::", name)


def collapse(lines):
    counts = Counter()
    for thread, frames in stacks(lines):
        path = [thread]
        for frame in map(plain, frames):
            if frame != path[-1] and not SCAFFOLD.match(frame) and frame != "[unknown]":
                path.append(frame)
        counts[tuple(path)] += 1
    return counts


def boxes(counts):
    """(depth, first sample, samples, name) of each box, the widest neighbours first."""
    def below(paths, depth, start):
        groups = {}
        for path, count in paths:
            if len(path) > depth:
                groups.setdefault(path[depth], []).append((path, count))
        for name, group in sorted(groups.items(), key=lambda g: (-sum(c for _, c in g[1]), g[0])):
            width = sum(count for _, count in group)
            yield depth, start, width, name
            yield from below(group, depth + 1, start)
            start += width

    return below(list(counts.items()), 0, 0)


def draw(counts, out):
    total = sum(counts.values())
    shown = [box for box in boxes(counts) if box[2] / total >= LEAST]
    height = (max(depth for depth, *_ in shown) + 1) * ROW
    print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="monospace" font-size="11">', file=out)
    for depth, start, width, name in shown:
        x, w = start / total * WIDTH, width / total * WIDTH
        warm = sum(map(ord, name)) % 60
        label = name if len(name) * 6.7 < w - 4 else name.rsplit("::", 1)[-1]
        label = label if len(label) * 6.7 < w - 4 else ""
        print(f'<g><title>{html.escape(name)} ({width / total:.1%})</title>'
              f'<rect x="{x:.1f}" y="{height - (depth + 1) * ROW}" width="{max(w - 0.4, 0.2):.1f}" height="{ROW - 1}" fill="hsl({warm},80%,70%)"/>'
              f'<text x="{x + 2:.1f}" y="{height - depth * ROW - 4}">{html.escape(label)}</text></g>', file=out)
    print("</svg>", file=out)


def top(counts, most, out):
    total, with_callees = sum(counts.values()), Counter()
    for path, count in counts.items():
        for name in set(path):
            with_callees[name] += count
    for name, count in with_callees.most_common(most):
        print(f"{count / total:6.1%}  {name}", file=out)


if __name__ == "__main__":
    samples = collapse(sys.stdin)
    if sys.argv[1:2] == ["--top"]:
        top(samples, int(sys.argv[2]), sys.stdout)
    else:
        draw(samples, sys.stdout)
