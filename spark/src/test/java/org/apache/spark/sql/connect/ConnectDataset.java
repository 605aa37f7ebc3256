// SPDX-License-Identifier: Apache-2.0
package org.apache.spark.sql.connect;

import org.apache.spark.sql.Dataset;

/** Stands in the package in which Spark Connect has its tables, for its client's jars cannot be beside the engine's. */
public abstract class ConnectDataset<T> extends Dataset<T> {}
