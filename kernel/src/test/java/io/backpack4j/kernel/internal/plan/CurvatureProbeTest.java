// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.plan;

import static io.backpack4j.kernel.internal.plan.CurvatureProbe.Above.KNOWN;
import static io.backpack4j.kernel.internal.plan.CurvatureProbe.Above.UNKNOWN;
import static io.backpack4j.kernel.internal.plan.CurvatureProbe.Above.ZERO;
import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.internal.graph.BoundGraph;
import io.backpack4j.spi.module.Curvature;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Initializer;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.module.ParameterSpec;
import io.backpack4j.spi.module.Pullback;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** What nodes above a parameter are known to add to its Hessian. */
class CurvatureProbeTest {

    private static final Says LINEAR = new Says(Adds.NOTHING, true, true);
    private static final Says RECTIFIER = new Says(Adds.NOTHING, false, false);
    private static final Says CURVED = new Says(Adds.DIAGONAL, false, false);
    private static final Says SILENT = new Says(Adds.UNSAID, false, false);
    private static final Says BENT_IN_ITS_WEIGHT = new Says(Adds.NOTHING, true, false);

    /** What a module says that it adds to the Hessian at its inputs. */
    private enum Adds {
        NOTHING,
        DIAGONAL,
        UNSAID
    }

    /** A module that is never computed. */
    private record Says(Adds adds, boolean hasWeight, boolean affine) implements Module {

        @Override
        public ModuleDeclaration declare(List<Shape> inputs) {
            ModuleDeclaration declaration = ModuleDeclaration.output(inputs.get(0));
            return hasWeight
                    ? declaration.parameter(
                            ParameterSpec.parameter("weight", inputs.get(0), new Initializer.Constant(1)))
                    : declaration;
        }

        @Override
        public Evaluation evaluate(EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
            Tensor output = context.scope().allocate(inputs.get(0).shape(), DType.FLOAT64);
            return new Evaluation() {
                @Override
                public Tensor output() {
                    return output;
                }

                @Override
                public boolean isAffineInParameters() {
                    return affine;
                }

                @Override
                public Optional<Curvature> curvature(EvaluationContext inner, Tensor cotangents) {
                    return switch (adds) {
                        case NOTHING -> Optional.of(Curvature.zero());
                        case DIAGONAL -> Optional.of(new Curvature.Diagonal(output));
                        case UNSAID -> Optional.empty();
                    };
                }

                @Override
                public Pullback pullback(EvaluationContext inner, Tensor cotangents) {
                    throw new AssertionError("Nothing goes back");
                }
            };
        }
    }

    /** Asks for the weight of the first of a chain of modules. */
    private static CurvatureProbe.Above above(Module... modules) {
        BoundGraph graph =
                BoundGraph.bind(Graph.sequential(modules), List.of(Shape.of(3)), (owner, type, arguments) -> {
                    throw new IllegalStateException("no compositions: " + type);
                });
        return new CurvatureProbe(graph, DType.FLOAT64).above(graph.uses().get("0.weight"));
    }

    @Test
    void a_chain_is_what_the_least_of_its_nodes_is_known_to_be() {
        assertThat(above(LINEAR)).isEqualTo(ZERO);
        assertThat(above(LINEAR, RECTIFIER, LINEAR)).isEqualTo(ZERO);
        assertThat(above(LINEAR, RECTIFIER, LINEAR, CURVED, LINEAR)).isEqualTo(KNOWN);
        assertThat(above(LINEAR, SILENT, LINEAR, CURVED)).isEqualTo(UNKNOWN);
        assertThat(above(LINEAR, CURVED, SILENT)).isEqualTo(UNKNOWN);
    }

    /** What a node adds by a parameter that it is not affine in is no curvature of its inputs: a pass refuses it. */
    @Test
    void a_node_that_is_not_affine_in_its_weight_does_not_add_nothing() {
        assertThat(above(BENT_IN_ITS_WEIGHT, RECTIFIER, LINEAR)).isEqualTo(KNOWN);
    }
}
