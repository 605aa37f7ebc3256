// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.operators;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.testkit.Numbers;
import io.backpack4j.testkit.Randomness;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class PreconditionersTest extends OperatorTestBase {

    private final ParameterLayout layout = layout();

    private ParameterLayout layout() {
        Map<String, Shape> shapes = new LinkedHashMap<>();
        shapes.put("a", Shape.of(2, 2));
        shapes.put("b", Shape.of());
        shapes.put("c", Shape.of(3));
        return ParameterLayout.of(backend, DType.FLOAT64, shapes);
    }

    @Test
    void layoutsSplitAndJoin() {
        assertThat(layout.size()).isEqualTo(8);
        assertThat(layout.names()).containsExactly("a", "b", "c");
        for (int count : new int[] {1, 3}) {
            Tensor flat = normal(count, 8);
            Map<String, Tensor> parts = layout.split(scope, flat);
            double[] all = flat.toDoubleArray();
            assertThat(parts.get("a").shape()).isEqualTo(Shape.of(count, 2, 2));
            assertThat(parts.get("b").shape()).isEqualTo(Shape.of(count));
            for (int v = 0; v < count; v++) {
                assertThat(parts.get("a").toDoubleArray()[4 * v + 3]).isEqualTo(all[8 * v + 3]);
                assertThat(parts.get("b").toDoubleArray()[v]).isEqualTo(all[8 * v + 4]);
                assertThat(parts.get("c").toDoubleArray()[3 * v + 1]).isEqualTo(all[8 * v + 6]);
            }
            Tensor joined = scope.allocate(flat.shape(), DType.FLOAT64);
            layout.join(parts, joined);
            assertThat(joined.toDoubleArray()).isEqualTo(all);
            // Copies: the vectors stay as they are.
            backend.elementwise().fill(parts.get("c"), 5);
            assertThat(flat.toDoubleArray()).isEqualTo(all);
        }
        ParameterLayout some = layout.only(List.of("c", "a"));
        assertThat(some.names()).as("order of the network").containsExactly("a", "c");
        assertThat(some.size()).isEqualTo(7);
    }

    @Test
    void wrongPartsAreRefused() {
        Tensor flat = normal(2, 8);
        Map<String, Tensor> parts = new HashMap<>(layout.split(scope, flat));
        refused("ShapeMismatch", () -> layout.split(scope, normal(2, 7)));
        refused("ShapeMismatch", () -> layout.join(parts, normal(1, 8)));
        parts.remove("b");
        refused("UnknownParameter", () -> layout.join(parts, flat));
        parts.put("b", normal(1, 2));
        refused("ShapeMismatch", () -> layout.join(parts, flat));
        parts.put("d", normal(1, 2));
        refused("UnknownParameter", () -> layout.join(parts, flat));
    }

    @Test
    void diagonalsAreDampedAndInverted() {
        double[] values = Randomness.normal(random, 8);
        for (int i = 0; i < 8; i++) {
            values[i] = Math.abs(values[i]);
        }
        values[2] = 0;
        Map<String, Tensor> diagonals = diagonals(values);
        LinearOperator inverse = Preconditioners.diagonal(scope, layout, diagonals, 0.1);
        Tensor x = normal(2, 8);
        double[] expected = x.toDoubleArray();
        for (int i = 0; i < 16; i++) {
            expected[i] /= values[i % 8] + 0.1;
        }
        Numbers.assertClose("x / (d + λ)", product(inverse, x).toDoubleArray(), expected, 1e-14);
        refused("NotPositiveDefinite", () -> Preconditioners.diagonal(scope, layout, diagonals, 0));
        values[2] = Double.NaN;
        refused("NotPositiveDefinite", () -> Preconditioners.diagonal(scope, layout, diagonals(values), 1));
    }

    private Map<String, Tensor> diagonals(double[] values) {
        Map<String, Tensor> diagonals = new LinkedHashMap<>();
        layout.split(scope, upload(values))
                .forEach((name, part) ->
                        diagonals.put(name, scope.view(part, layout.shapes().get(name))));
        return diagonals;
    }

    @Test
    void blocksTakeTheirParameters() {
        Map<String, Preconditioners.Block> blocks = new HashMap<>();
        double factor = 2;
        for (String name : layout.names()) {
            double own = factor++;
            blocks.put(name, (target, vectors) -> scaled(target, vectors, own));
        }
        LinearOperator operator = Preconditioners.blockDiagonal(layout, blocks);
        Tensor x = normal(3, 8);
        double[] expected = x.toDoubleArray();
        for (int i = 0; i < expected.length; i++) {
            expected[i] *= i % 8 < 4 ? 2 : i % 8 == 4 ? 3 : 4;
        }
        Numbers.assertClose("blocks", product(operator, x).toDoubleArray(), expected, 1e-14);
        assertThat(operator.rows()).isEqualTo(8);
        blocks.remove("a");
        refused("UnknownParameter", () -> Preconditioners.blockDiagonal(layout, blocks));
    }

    private Tensor scaled(TensorScope target, Tensor x, double factor) {
        Tensor result = target.allocate(x.shape(), x.dtype());
        backend.elementwise().affine(x, factor, 0, result);
        return result;
    }

    private static void refused(String id, Runnable use) {
        assertThatThrownBy(use::run).isInstanceOf(BackpackException.class).hasMessageContaining("[" + id + "]");
    }
}
