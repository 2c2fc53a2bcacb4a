"""What formats are told of the columns that are no features."""

from pathlib import Path

import polars as pl
import pyarrow as pa

from tasks.core.dictionary import encode
from tasks.core.feature_files import write_feature_file
from tasks.export.meta_columns import meta_columns
from tasks.export.registry import FeatureTable
from tests.export.feature_tables import FEATURES


def test_texts_that_are_equal_in_natural_order_have_an_order_too(tmp_path: Path) -> None:
    texts = [f"a{'0' * zeros}1" for zeros in range(8)]
    rows = pl.DataFrame({"meta__image": texts, FEATURES[0].name: [0.0] * len(texts)})
    write_feature_file(tmp_path / "0.parquet", [pa.table(rows.to_arrow())])
    dictionary = encode({FEATURES[0].name: FEATURES[0]}, meta={"meta__image": "Where it is from."})
    (column,) = meta_columns(FeatureTable(files=(tmp_path / "0.parquet",), dictionary=dictionary), most=10)
    assert column.values == tuple(sorted(texts))
