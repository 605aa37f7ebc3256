// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spark;

import org.apache.spark.sql.SparkSession;

/** Spark in this JVM. */
final class SparkSessions {

    private SparkSessions() {}

    /** Opens one; whoever opens it stops it. */
    static SparkSession open(String master, String... settings) {
        SparkSession.Builder builder = SparkSession.builder()
                .master(master)
                .appName("backpack4j")
                .config("spark.ui.enabled", "false")
                .config("spark.driver.host", "127.0.0.1")
                .config("spark.driver.bindAddress", "127.0.0.1")
                .config("spark.sql.warehouse.dir", System.getProperty("java.io.tmpdir"))
                .config("spark.sql.shuffle.partitions", "2");
        for (int i = 0; i < settings.length; i += 2) {
            builder = builder.config(settings[i], settings[i + 1]);
        }
        return builder.getOrCreate();
    }
}
