// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear;

import static io.backpack4j.modules.linear.ModuleRunner.counting;
import static io.backpack4j.modules.linear.ModuleRunner.declare;
import static io.backpack4j.modules.linear.ModuleRunner.forward;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.spi.tensor.Shape;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Flatten, Reshape, Permute, Slice, Max, MatMul, Concat, Sum, Mul, Scale. */
class ShapeModulesTest {

    private static final Shape IMAGE = Shape.of(2, 3, 4);

    private static Slice slice(Slice.Selection... behindBatch) {
        var all = new ArrayList<Slice.Selection>(List.of(new Slice.Range()));
        all.addAll(List.of(behindBatch));
        return new Slice(all);
    }

    @Test
    void flattenJoinsAxes() {
        assertThat(declare(new Flatten(), IMAGE).output()).isEqualTo(Shape.of(24));
        assertThat(declare(new Flatten(2, -1), IMAGE).output()).isEqualTo(Shape.of(2, 12));
        assertThat(declare(new Flatten(-3, 2), IMAGE).output()).isEqualTo(Shape.of(6, 4));
        assertThat(declare(new Flatten(2, 2), IMAGE).output()).isEqualTo(IMAGE);
    }

    @Test
    void flattenKeepsTheBatch() {
        assertThatThrownBy(() -> new Flatten(0, -1))
                .hasMessageContaining("'start_dim' of Flatten is 0")
                .hasMessageContaining("start_dim=1");
        assertThatThrownBy(() -> declare(new Flatten(-4, -1), IMAGE))
                .hasMessageContaining("is -4, but must be an axis");
        assertThatThrownBy(() -> declare(new Flatten(1, 4), IMAGE))
                .hasMessageContaining("no axis end_dim = 4")
                .hasMessageContaining("from -4 to 3");
        assertThatThrownBy(() -> declare(new Flatten(3, 1), IMAGE)).hasMessageContaining("end_dim = 1");
        assertThatThrownBy(() -> declare(new Flatten(), Shape.of())).hasMessageContaining("start_dim = 1");
    }

    @Test
    void permuteReordersAxes() {
        assertThat(declare(new Permute(0, 3, 1, 2), IMAGE).output()).isEqualTo(Shape.of(4, 2, 3));
        assertThat(new Permute(0, -1, 1, 2)).isEqualTo(new Permute(List.of(0L, 3L, 1L, 2L)));
        assertThat(forward(new Permute(0, 2, 1), Shape.of(2, 3), counting(6))).containsExactly(0, 3, 1, 4, 2, 5);
    }

    @Test
    void permuteKeepsTheBatch() {
        assertThatThrownBy(() -> new Permute(1, 0)).hasMessageContaining("starts with 0, because the batch");
        assertThatThrownBy(() -> new Permute(0, 1, 1)).hasMessageContaining("[0, 1, 1], but must be every axis");
        assertThatThrownBy(() -> new Permute(0, 1, 3)).hasMessageContaining("every axis");
        assertThatThrownBy(() -> new Permute(List.of())).hasMessageContaining("every axis");
        assertThatThrownBy(() -> declare(new Permute(0, 2, 1), IMAGE)).hasMessageContaining("3 dims");
    }

    @Test
    void reshapeKeepsTheOrder() {
        assertThat(declare(new Reshape(-1, 2), IMAGE).output()).isEqualTo(Shape.of(12, 2));
        assertThat(declare(new Reshape(24L), IMAGE).output()).isEqualTo(Shape.of(24));
        assertThat(forward(new Reshape(3, 2), Shape.of(2, 3), counting(6))).containsExactly(0, 1, 2, 3, 4, 5);
    }

    @Test
    void reshapeNeedsAsManyElements() {
        assertThatThrownBy(() -> declare(new Reshape(5, -1), IMAGE))
                .hasMessageContaining("shape = [5, -1]")
                .hasMessageContaining("[2, 3, 4] with 24 elements");
        assertThatThrownBy(() -> declare(new Reshape(4, 5), IMAGE)).hasMessageContaining("24 elements");
        assertThatThrownBy(() -> declare(new Reshape(Long.MAX_VALUE, 5), IMAGE)).hasMessageContaining("24 elements");
        assertThatThrownBy(() -> declare(new Reshape(0, -1), IMAGE)).hasMessageContaining("24 elements");
        assertThatThrownBy(() -> new Reshape(-1, -1)).hasMessageContaining("at most one of them");
        assertThatThrownBy(() -> new Reshape(-2L)).hasMessageContaining("'shape' of Reshape");
    }

    @Test
    void maximaAreTheFirstOfEqualOnes() {
        assertThat(declare(new Max(2), IMAGE).output()).isEqualTo(Shape.of(2, 4));
        assertThat(forward(new Max(1), Shape.of(2, 3), 1, 5, -2, 4, -1, Double.NaN))
                .containsExactly(4, 5, Double.NaN);
        assertThatThrownBy(() -> declare(new Max(0), IMAGE)).hasMessageContaining("behind the batch");
        assertThatThrownBy(() -> declare(new Max(1), Shape.of(0, 2))).hasMessageContaining("needs elements along dim");
    }

    @Test
    void productsAlignSamples() {
        assertThat(declare(new MatMul(), Shape.of(5, 2, 3), Shape.of(3, 4)).output())
                .isEqualTo(Shape.of(5, 2, 4));
        assertThat(declare(new MatMul(), Shape.of(1, 2, 3), Shape.of(7, 1, 3, 1))
                        .output())
                .isEqualTo(Shape.of(7, 1, 2, 1));
        assertThatThrownBy(() -> declare(new MatMul(), Shape.of(2, 3), Shape.of(4, 2)))
                .hasMessageContaining("[2, 3] and [4, 2]");
        assertThatThrownBy(() -> declare(new MatMul(), Shape.of(2, 2, 3), Shape.of(3, 3, 2)))
                .hasMessageContaining("[2, 2, 3] and [3, 3, 2]");
        assertThatThrownBy(() -> declare(new MatMul(), Shape.of(3), Shape.of(3, 2)))
                .hasMessageContaining("[3] and [3, 2]");
        assertThatThrownBy(() -> declare(new MatMul(), Shape.of(3, 2))).hasMessageContaining("two inputs");
    }

    @Test
    void sliceCutsAsPythonDoes() {
        var cut = slice(new Slice.Index(-1), new Slice.Range(null, null, 2L), new Slice.Range(-3L, 100L, null));

        assertThat(declare(cut, IMAGE).output()).isEqualTo(Shape.of(2, 3));
        assertThat(forward(cut, IMAGE, counting(24))).containsExactly(13, 14, 15, 21, 22, 23);
        assertThat(declare(slice(new Slice.Index(0)), IMAGE).output()).isEqualTo(Shape.of(3, 4));
        assertThat(declare(slice(new Slice.Index(0), new Slice.Index(0), new Slice.Index(0)), IMAGE)
                        .output())
                .isEqualTo(Shape.of());
    }

    @ParameterizedTest
    @CsvSource({"0,,1,5", ",,,5", "1,4,2,2", "-2,,,2", ",-1,,4", "-9,2,,2", "1,99,3,2", "4,,7,1"})
    void sliceBoundsAreCutToTheAxis(Long start, Long stop, Long step, long expected) {
        var cut = slice(new Slice.Range(start, stop, step));

        assertThat(declare(cut, Shape.of(5)).output()).isEqualTo(Shape.of(expected));
    }

    @Test
    void sliceSaysWhatDoesNotFit() {
        assertThatThrownBy(() -> new Slice(List.of())).hasMessageContaining("the batch stays whole");
        assertThatThrownBy(() -> new Slice(List.of(new Slice.Index(0)))).hasMessageContaining("the batch stays whole");
        assertThatThrownBy(() -> new Slice(List.of(new Slice.Range(0L, 5L, 1L))))
                .hasMessageContaining("batch");
        assertThat(new Slice(List.of(new Slice.Range(0L, null, 1L)))).isNotNull();
        assertThatThrownBy(() -> new Slice.Range(null, null, 0L)).hasMessageContaining("step of a slice is 0");
        assertThatThrownBy(() -> declare(slice(new Slice.Index(2)), IMAGE))
                .hasMessageContaining("element 2 of axis 1, which has size 2: possible are -2 to 1");
        assertThatThrownBy(() -> declare(slice(new Slice.Range(2L, 2L, null)), IMAGE))
                .hasMessageContaining("nothing of axis 1");
        assertThatThrownBy(() -> declare(slice(new Slice.Index(0), new Slice.Index(0)), Shape.of(3)))
                .hasMessageContaining("3 slices")
                .hasMessageContaining("2 axes");
    }

    @Test
    void concatKeepsTheBatch() {
        assertThat(declare(new Concat(-2), IMAGE, Shape.of(2, 5, 4)).output()).isEqualTo(Shape.of(2, 8, 4));
        assertThatThrownBy(() -> new Concat(0)).hasMessageContaining("batch");
        assertThatThrownBy(() -> declare(new Concat(-2), Shape.of(3))).hasMessageContaining("batch");
        assertThatThrownBy(() -> declare(new Concat(2), Shape.of(3))).hasMessageContaining("no axis dim = 2");
        assertThatThrownBy(() -> declare(new Concat(1))).hasMessageContaining("at least 1 inputs, but was given 0");
        assertThatThrownBy(() -> declare(new Concat(1), IMAGE, Shape.of(2, 5, 4)))
                .hasMessageContaining("[[2, 3, 4], [2, 5, 4]]");
        assertThatThrownBy(() -> declare(new Concat(1), IMAGE, Shape.of(2))).hasMessageContaining("agree");
    }

    @Test
    void sumAndMulNeedEqualShapes() {
        assertThatThrownBy(() -> declare(new Sum())).hasMessageContaining("at least 1");
        assertThatThrownBy(() -> declare(new Mul(), IMAGE)).hasMessageContaining("at least 2");
        assertThatThrownBy(() -> declare(new Sum(), IMAGE, IMAGE, Shape.of(2)))
                .hasMessageContaining("shape [2, 3, 4] in input 0 and [2] in input 2");
        assertThatThrownBy(() -> declare(new Mul(), Shape.of(3), Shape.of(2))).hasMessageContaining("ShapeMismatch");
        assertThat(declare(new Mul(), IMAGE, IMAGE).retainsInputs()).isTrue();
        assertThat(declare(new Sum(), IMAGE, IMAGE).retainsInputs()).isFalse();
    }

    @Test
    void scaleMultiplies() {
        assertThat(forward(new Scale(-2), Shape.of(2), 1, 3)).containsExactly(-2, -6);
        assertThatThrownBy(() -> new Scale(Double.NaN)).hasMessageContaining("'weight' of Scale is NaN");
    }
}
