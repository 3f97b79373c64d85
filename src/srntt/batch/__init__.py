"""Batch processing of folders of pictures, with resume.

``plan_batch`` lists the pictures and creates a ``Batch`` of tasks. A ``Worker``, created from a ``WorkerSpec`` in this
process or on a cluster, performs a task and returns a ``Record`` of its outcome. ``keep_records`` gives outputs their
final names in an ``OutputFolder`` and stores the records in its manifest.
"""

from srntt.batch._auto_worker import AutoWorker
from srntt.batch._cluster import Room, cluster_errors, imported_ray, ray_connected, use_threads
from srntt.batch._descriptor import describe
from srntt.batch._library_references import LibraryReferences, with_library
from srntt.batch._local_folder import LocalFolder
from srntt.batch._output_folder import OutputFolder, open_output_folder
from srntt.batch._ray import RayWorkers
from srntt.batch._record import Record
from srntt.batch._remote_folder import Place, place
from srntt.batch._resolve import Resolver, UpscaleOptions
from srntt.batch._run import Tally, keep_records, work_here
from srntt.batch._shared_references import ReferenceFile, SharedReferences, describe_references
from srntt.batch._tasks import SIDE_FILES, Batch, SideFile, Task, plan_batch
from srntt.batch._worker import Worker, WorkerSpec

__all__ = [
    "Batch",
    "RayWorkers",
    "Record",
    "Room",
    "Tally",
    "Task",
    "UpscaleOptions",
    "Worker",
    "WorkerSpec",
    "describe_references",
    "keep_records",
    "open_output_folder",
    "place",
    "plan_batch",
    "ray_connected",
    "work_here",
]
