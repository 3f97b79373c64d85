"""Folders of pictures: planned, upscaled one by one, resumed.

``plan_batch`` decides what becomes of what. A ``Resolver`` makes a ``Job`` of each planned picture; a ``Worker`` does a
job, in any process; an ``OutputFolder`` takes what it made, and its ``Manifest`` remembers. ``Run`` is all of that in
one process.
"""

from srntt.batch._descriptor import describe
from srntt.batch._encoded import EncodedReferences
from srntt.batch._job import Job, Settings
from srntt.batch._lines import Lines
from srntt.batch._listing import SUFFIXES, Listing, Problem, list_folder
from srntt.batch._manifest import Made, Manifest
from srntt.batch._names import output_names
from srntt.batch._output_folder import STATE_FOLDER, OutputFolder, open_output_folder
from srntt.batch._own_references import OwnReferences
from srntt.batch._plan import Plan, PlannedPicture, plan_batch
from srntt.batch._pool import KnownDescriptors, Pool, ReferenceFile, describe_pool
from srntt.batch._resolver import Resolver
from srntt.batch._run import Run, Tally, Watch
from srntt.batch._worker import CACHE_BYTES, Finished, Worker

__all__ = [
    "CACHE_BYTES",
    "STATE_FOLDER",
    "SUFFIXES",
    "EncodedReferences",
    "Finished",
    "Job",
    "KnownDescriptors",
    "Lines",
    "Listing",
    "Made",
    "Manifest",
    "OutputFolder",
    "OwnReferences",
    "Plan",
    "PlannedPicture",
    "Pool",
    "Problem",
    "ReferenceFile",
    "Resolver",
    "Run",
    "Settings",
    "Tally",
    "Watch",
    "Worker",
    "describe",
    "describe_pool",
    "list_folder",
    "open_output_folder",
    "output_names",
    "plan_batch",
]
