// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.influence;

/**
 * A training sample and its influence.
 *
 * @param id the sample's id
 * @param score by how much the test loss would change if the sample counted twice; negative for samples that help
 */
public record Influential(long id, double score) {}
