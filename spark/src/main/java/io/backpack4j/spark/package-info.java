// SPDX-License-Identifier: Apache-2.0
/**
 * Sessions over data sets on Apache Spark: {@link io.backpack4j.spark.BackPackSpark} runs passes where the rows are and
 * merges what they accumulate. Spark itself comes from whoever runs the program.
 */
@NullMarked
package io.backpack4j.spark;

import org.jspecify.annotations.NullMarked;
