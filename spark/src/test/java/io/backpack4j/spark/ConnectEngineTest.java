// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spark;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.ext.firstorder.Variance;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Model;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.DType;
import net.bytebuddy.ByteBuddy;
import net.bytebuddy.dynamic.scaffold.subclass.ConstructorStrategy;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Test;
import org.objenesis.ObjenesisStd;

/** Tables of Spark Connect are refused before anything is asked of them. */
class ConnectEngineTest {

    /** Stands for Connect's own class, which is in a jar that excludes the engine's. */
    @SuppressWarnings("unchecked")
    private static Dataset<Row> table() {
        Class<?> type = new ByteBuddy()
                .subclass(Dataset.class, ConstructorStrategy.Default.NO_CONSTRUCTORS)
                .name("org.apache.spark.sql.connect.Dataset")
                .make()
                .load(Dataset.class.getClassLoader())
                .getLoaded();
        return (Dataset<Row>) new ObjenesisStd().newInstance(type);
    }

    @Test
    void a_table_of_spark_connect_is_refused_by_name() {
        SampleColumns columns = SampleColumns.of("x").target("y");
        try (BackPack backpack = BackPack.create();
                Model model = Networks.mlp(backpack, DType.FLOAT64)) {
            SparkModel sent = SparkModel.of(model);
            assertThatThrownBy(() -> BackPackSpark.evaluate(table(), columns, sent, new Variance()))
                    .isInstanceOf(BackpackException.class)
                    .hasMessageStartingWith(
                            "[SparkConnect] The data is a table of Spark Connect (org.apache.spark.sql.connect.")
                    .hasMessageContaining("spark-submit");
        }
    }
}
