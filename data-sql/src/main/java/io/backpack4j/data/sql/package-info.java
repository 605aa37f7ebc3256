// SPDX-License-Identifier: Apache-2.0
/**
 * Tables in Parquet, CSV and JSON as batches, by SQL: {@link io.backpack4j.data.sql.SqlBatches}. DuckDB runs the
 * queries, within this process.
 */
@NullMarked
package io.backpack4j.data.sql;

import org.jspecify.annotations.NullMarked;
