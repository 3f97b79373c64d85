"""Folders of pictures: planned, upscaled one by one, resumed.

``plan_batch`` decides what becomes of what. A ``Resolver`` makes a ``Job`` of each planned picture; a ``Worker`` does a
job, in any process; an ``OutputFolder`` takes what it made, and its ``Manifest`` remembers. A ``Station`` is resolver
and worker; an engine has stations in this process or on a cluster, and ``Run`` puts on record what they made.
"""

from srntt.batch._beside import BESIDE, Beside
from srntt.batch._descriptor import describe
from srntt.batch._encoded import EncodedReferences
from srntt.batch._job import Job, Settings
from srntt.batch._lines import Lines
from srntt.batch._listing import SUFFIXES, Listing, Problem, list_folder
from srntt.batch._manifest import Known, Made, MadeFile, Manifest
from srntt.batch._names import output_names
from srntt.batch._output_folder import OutputFolder, open_output_folder
from srntt.batch._outputs import STATE_FOLDER, LocalOutputs, Outputs, RemoteOutputs
from srntt.batch._own_references import OwnReferences
from srntt.batch._place import Place, Remote, place
from srntt.batch._plan import Plan, PlannedPicture, plan_batch
from srntt.batch._pool import KnownDescriptors, Pool, ReferenceFile, describe_pool
from srntt.batch._ray import RayEngine, WorkerResources, ray_connected
from srntt.batch._recipe import Recipe
from srntt.batch._remote_lines import RemoteLines
from srntt.batch._resolver import Resolver
from srntt.batch._run import Engine, LocalEngine, Run, Tally, Watch
from srntt.batch._station import Outcome, Station
from srntt.batch._worker import CACHE_BYTES, Finished, Worker

__all__ = [
    "BESIDE",
    "CACHE_BYTES",
    "STATE_FOLDER",
    "SUFFIXES",
    "Beside",
    "EncodedReferences",
    "Engine",
    "Finished",
    "Job",
    "Known",
    "KnownDescriptors",
    "Lines",
    "Listing",
    "LocalEngine",
    "LocalOutputs",
    "Made",
    "MadeFile",
    "Manifest",
    "Outcome",
    "OutputFolder",
    "Outputs",
    "OwnReferences",
    "Place",
    "Plan",
    "PlannedPicture",
    "Pool",
    "Problem",
    "RayEngine",
    "Recipe",
    "ReferenceFile",
    "Remote",
    "RemoteLines",
    "RemoteOutputs",
    "Resolver",
    "Run",
    "Settings",
    "Station",
    "Tally",
    "Watch",
    "Worker",
    "WorkerResources",
    "describe",
    "describe_pool",
    "list_folder",
    "open_output_folder",
    "output_names",
    "place",
    "plan_batch",
    "ray_connected",
]
