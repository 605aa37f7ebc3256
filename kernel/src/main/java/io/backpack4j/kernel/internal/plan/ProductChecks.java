// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.plan;

import io.backpack4j.kernel.KernelProblems;
import io.backpack4j.kernel.internal.graph.BoundGraph;
import io.backpack4j.kernel.internal.graph.BoundNode;
import io.backpack4j.spi.Problems;
import io.backpack4j.spi.extension.CurvatureMatrix;
import java.util.Set;

/** Checks that products with curvature matrices exist on a graph. */
final class ProductChecks {

    private ProductChecks() {}

    /** Gradients of single samples do not exist where samples influence each other. */
    static void report(BoundGraph graph, Set<CurvatureMatrix> matrices, Problems problems) {
        for (CurvatureMatrix matrix : matrices) {
            if (matrix.needsSingleSamples()) {
                report(graph, matrix, problems);
            }
        }
    }

    private static void report(BoundGraph graph, CurvatureMatrix matrix, Problems problems) {
        for (BoundNode node : graph.nodes()) {
            if (node.declaration().couplesSamples()) {
                problems.add(
                        KernelProblems.COUPLED_SAMPLES,
                        "The %s is made of gradients of single samples, but %s mixes the samples of a batch. Use its eval mode with running statistics (\"mode\": \"eval\" in a model file), or another matrix."
                                .formatted(matrix.name(), node.described()));
            }
        }
    }
}
