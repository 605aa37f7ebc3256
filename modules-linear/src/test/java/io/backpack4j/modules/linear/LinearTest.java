// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.spi.module.Initializer;
import io.backpack4j.spi.module.KroneckerSizes;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.module.ParameterSpec;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.testkit.TestContext;
import io.backpack4j.testkit.heap.HeapBackend;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class LinearTest {

    @Test
    void multipliesAndAdds() {
        try (HeapBackend backend = new HeapBackend();
                TensorScope scope = backend.openScope()) {
            var input = backend.upload(scope, Shape.of(1, 2, 2), DType.FLOAT64, new double[] {1, 2, 3, 4});
            var weight = backend.upload(scope, Shape.of(3, 2), DType.FLOAT64, new double[] {1, 0, 0, 1, 1, 1});
            var bias = backend.upload(scope, Shape.of(3), DType.FLOAT64, new double[] {10, 20, 30});

            var output = new Linear(2, 3)
                    .evaluate(TestContext.of(backend, scope, 1), List.of(input), Map.of("weight", weight, "bias", bias))
                    .output();

            assertThat(output.shape()).isEqualTo(Shape.of(1, 2, 3));
            assertThat(output.toDoubleArray()).containsExactly(11, 22, 33, 13, 24, 37);
        }
    }

    @Test
    void declaresParametersInPyTorchsOrder() {
        ModuleDeclaration declaration = ModuleRunner.declare(new Linear(4, 3), Shape.of(7, 4));

        assertThat(declaration.output()).isEqualTo(Shape.of(7, 3));
        assertThat(declaration.retainsInputs()).isTrue();
        assertThat(declaration.parameters())
                .containsExactly(
                        ParameterSpec.parameter("weight", Shape.of(3, 4), new Initializer.Uniform(0.5))
                                .withKronecker(KroneckerSizes.matrix(3, 4)),
                        ParameterSpec.parameter("bias", Shape.of(3), new Initializer.Uniform(0.5)));
        assertThat(ModuleRunner.declare(new Linear(4, 3, false), Shape.of(4)).parameters())
                .extracting(ParameterSpec::name)
                .containsExactly("weight");
    }

    @Test
    void saysWhatDoesNotFit() {
        assertThatThrownBy(() -> new Linear(0, 3)).hasMessageContaining("'in_features' of Linear is 0");
        assertThatThrownBy(() -> new Linear(3, -1)).hasMessageContaining("'out_features' of Linear is -1");
        assertThatThrownBy(() -> ModuleRunner.declare(new Linear(4, 3), Shape.of(2, 2)))
                .hasMessage("[ShapeMismatch] Linear has in_features = 4, so the last axis of its input needs that size,"
                        + " but samples have shape [2, 2]. Put a Flatten before it.");
        assertThatThrownBy(() -> ModuleRunner.declare(new Linear(4, 3), Shape.of(5)))
                .hasMessageContaining("Change in_features");
        assertThatThrownBy(() -> ModuleRunner.declare(new Linear(4, 3), Shape.of(4), Shape.of(4)))
                .hasMessage("[InputCountMismatch] Linear takes one input, but was given 2.");
    }

    @Test
    void hasNoBiasIfToldSo() {
        try (HeapBackend backend = new HeapBackend();
                TensorScope scope = backend.openScope()) {
            var one = backend.upload(scope, Shape.of(1, 1), DType.FLOAT64, new double[] {2});
            var context = TestContext.of(backend, scope, 1);
            var pullback = new Linear(1, 1, false)
                    .evaluate(context, List.of(one), Map.of("weight", one))
                    .pullback(context, backend.upload(scope, Shape.of(1, 1, 1), DType.FLOAT64, new double[] {1}));

            assertThatThrownBy(() -> pullback.parameter("bias")).hasMessageContaining("'bias'");
        }
    }
}
