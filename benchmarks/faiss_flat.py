"""faiss's exact inner-product index, in a separate process: it has its own OpenMP, and may use another interpreter.

    python benchmarks/faiss_flat.py QUERY.npy KEY.npy INDEX.npy THREADS REPEATS

Vectors are rows of float32. Writes the number of the best key of each query to INDEX.npy; prints JSON: version, and
seconds of each round, in which the index is made again (its keys come with every reference) and searched.
"""

import json
import sys
import time


def main(query_file: str, key_file: str, index_file: str, threads: str, repeats: str) -> None:
    """Build, search, print."""
    import faiss  # pyright: ignore[reportMissingImports]
    import numpy as np

    faiss.omp_set_num_threads(int(threads))
    query, key = np.load(query_file), np.load(key_file)
    seconds, found = [], np.empty(0)
    for _ in range(int(repeats)):
        started = time.perf_counter()
        index = faiss.IndexFlatIP(key.shape[1])
        index.add(key)
        found = index.search(query, 1)[1][:, 0]
        seconds.append(time.perf_counter() - started)
    np.save(index_file, found)
    print(json.dumps({"version": faiss.__version__, "seconds": seconds}))


if __name__ == "__main__":
    main(*sys.argv[1:])
