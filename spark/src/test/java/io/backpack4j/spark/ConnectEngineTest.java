// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spark;

import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.mockito.Mockito.mock;

import io.backpack4j.ext.firstorder.Variance;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Model;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.DType;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.connect.ConnectDataset;
import org.junit.jupiter.api.Test;

/** Tables of Spark Connect are refused before anything is asked of them. */
class ConnectEngineTest {

    @Test
    @SuppressWarnings("unchecked")
    void a_table_of_spark_connect_is_refused_by_name() {
        ConnectDataset<Row> data = mock(ConnectDataset.class);
        SampleColumns columns = SampleColumns.of("x").target("y");
        try (BackPack backpack = BackPack.create();
                Model model = Networks.mlp(backpack, DType.FLOAT64)) {
            SparkModel sent = SparkModel.of(model);
            assertThatThrownBy(() -> BackPackSpark.evaluate(data, columns, sent, new Variance()))
                    .isInstanceOf(BackpackException.class)
                    .hasMessageStartingWith(
                            "[SparkConnect] The data is a table of Spark Connect (org.apache.spark.sql.connect.")
                    .hasMessageContaining("spark-submit");
        }
    }
}
