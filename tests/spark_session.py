"""One Spark for all tests: local, few partitions, no compilation of plans."""

import importlib.util
import os
import shutil
import sys

import pytest

LACKING = next(
    (
        reason
        for found, reason in (
            (importlib.util.find_spec("pyspark"), 'needs pyspark: pip install "graphmax[spark]"'),
            (shutil.which("java"), "needs Java 17: apt install openjdk-17-jre-headless"),
        )
        if not found
    ),
    None,
)
needs_spark = pytest.mark.skipif(LACKING is not None, reason=str(LACKING))


def start():
    """Start the session that the tests share."""
    from pyspark.sql import SparkSession

    # Workers run what runs here, whatever python3 is elsewhere.
    os.environ["PYSPARK_PYTHON"] = sys.executable
    settings = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.sql.shuffle.partitions": "1",
        "spark.default.parallelism": "2",
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        "spark.log.level": "ERROR",
    }
    builder = SparkSession.builder.master("local[2]").appName("graphmax tests")
    for name, value in settings.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()
