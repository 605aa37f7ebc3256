// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.conv;

import static io.backpack4j.modules.conv.Types.counting;
import static io.backpack4j.modules.conv.Types.create;
import static io.backpack4j.modules.conv.Types.declare;
import static io.backpack4j.modules.conv.Types.forward;
import static io.backpack4j.modules.conv.Types.output;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.testkit.module.JacobianChecks;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class PadTest {

    static Stream<Arguments> backpacksTests() {
        return Stream.of(
                Arguments.of(create("ZeroPad2d", "padding", 2), Shape.of(3, 4, 5)),
                Arguments.of(create("ZeroPad2d", "padding", 3), Shape.of(3, 4, 5)),
                Arguments.of(create("ZeroPad2d", "padding", 5), Shape.of(3, 4, 5)),
                Arguments.of(create("Pad", "padding", List.of(2, 3, 0, 1)), Shape.of(4, 2)),
                Arguments.of(create("Pad", "padding", List.of(4, 5, 2, 3, 0, 1), "value", 1), Shape.of(3, 4, 2)),
                Arguments.of(
                        create("Pad", "padding", List.of(1, 0, 4, 5, 2, 3, 0, 1), "value", 2), Shape.of(2, 3, 4, 2)));
    }

    @ParameterizedTest
    @MethodSource("backpacksTests")
    void agreesWithDifferences(Module module, Shape sample) {
        JacobianChecks.run(module, 2, sample);
    }

    @Test
    void theLastAxisComesFirst() {
        assertThat(forward(new Pad(List.of(1L, 0L, 0L, 1L), 9), Shape.of(2, 2), 1, 2, 3, 4))
                .containsExactly(9, 1, 2, 9, 3, 4, 9, 9, 9);
        assertThat(output(create("ZeroPad3d", "padding", List.of(1, 2, 3, 4, 5, 6)), 7, 1, 1, 1))
                .isEqualTo(Shape.of(7, 12, 8, 4));
        assertThat(output(create("ConstantPad1d", "padding", 1, "value", 2), 3, 4))
                .isEqualTo(Shape.of(3, 6));
    }

    @Test
    void negativeNumbersCutOff() {
        assertThat(forward(Pad.zeros(-1, 1), Shape.of(4), counting(8))).containsExactly(2, 3, 4, 0, 6, 7, 8, 0);
        assertThat(forward(Pad.zeros(-1, -1, -1, 0), Shape.of(2, 3), counting(6)))
                .containsExactly(5);
    }

    @Test
    void namesAreThoseOfTheTypes() {
        for (String type : List.of("ZeroPad1d", "ZeroPad2d", "ZeroPad3d")) {
            assertThat(create(type, "padding", 1).type()).isEqualTo(type);
        }
        assertThat(create("ZeroPad1d", "padding", List.of(1, 2))).isEqualTo(new Pad("ZeroPad1d", List.of(1L, 2L), 0));
        assertThat(create("ConstantPad1d", "padding", List.of(1, 2), "value", 3))
                .isEqualTo(new Pad("ConstantPad1d", List.of(1L, 2L), 3));
        assertThat(create("Pad", "padding", List.of(1, 2), "mode", "constant")).isEqualTo(Pad.zeros(1, 2));
        assertThat(Pad.zeros(1, 2).type()).isEqualTo("Pad");
    }

    @Test
    void theBatchStaysAsItIs() {
        assertThatThrownBy(() -> declare(Pad.zeros(1, 1, 1, 1), 3))
                .hasMessage("[ShapeMismatch] Pad has padding [1, 1, 1, 1] for the last 2 axes, but samples of shape [3]"
                        + " have 1; the axis of the batch stays as it is. Leave out the last pairs.");
    }

    @Test
    void saysWhatDoesNotFit() {
        assertThatThrownBy(() -> declare(Pad.zeros(-2, -1), 2, 3))
                .hasMessage(
                        "[ShapeMismatch] Pad has padding [-2, -1], which leaves nothing of axis 2 of samples of shape"
                                + " [2, 3]. Cut off less.");
        assertThatThrownBy(() -> declare(Pad.zeros(-3, 5), 2)).hasMessageContaining("leaves nothing");
        assertThatThrownBy(() -> Pad.zeros(1)).hasMessageContaining("'padding' of Pad is [1], but must be pairs");
        assertThatThrownBy(() -> new Pad(List.of(1L, 1L), Double.NaN)).hasMessageContaining("'value' of Pad is NaN");
        assertThatThrownBy(() -> create("Pad", "padding", 1)).hasMessageContaining("a list of pairs");
        assertThatThrownBy(() -> create("Pad", "padding", List.of())).hasMessageContaining("a list of pairs");
        assertThatThrownBy(() -> create("ZeroPad2d", "padding", List.of(1, 2)))
                .hasMessageContaining("one integer or a list of 4");
        assertThatThrownBy(() -> create("ZeroPad2d")).hasMessageContaining("[MissingArgument]");
        assertThatThrownBy(() -> create("ConstantPad2d", "padding", 1)).hasMessageContaining("'value'");
        assertThatThrownBy(() -> create("Pad", "padding", List.of(1, 1), "mode", "circular"))
                .hasMessage("[InvalidArgument] Argument 'mode' of node 'a' (Pad) is 'circular', but must be 'constant',"
                        + " because other modes are not supported. Pad the data beforehand, or use 'constant'.");
    }
}
