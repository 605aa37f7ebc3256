// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.data.sql;

import io.backpack4j.training.data.Batches;
import io.backpack4j.training.data.TableReader;
import io.backpack4j.training.data.TableRequest;

/** Reads tables with DuckDB. */
final class DuckDbReader implements TableReader {

    @Override
    public String name() {
        return "duckdb";
    }

    @Override
    public Batches open(TableRequest request) {
        return SqlBatches.open(request);
    }
}
