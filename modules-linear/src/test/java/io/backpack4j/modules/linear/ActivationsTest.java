package io.backpack4j.modules.linear;

import static io.backpack4j.modules.linear.ModuleRunner.declare;
import static io.backpack4j.modules.linear.ModuleRunner.forward;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.testkit.Numbers;
import org.junit.jupiter.api.Test;

class ActivationsTest {

    private static final Shape PAIR = Shape.of(2);

    @Test
    void valuesAreRight() {
        check(new ReLU(), 0, 2);
        check(new LeakyReLU(), -0.01, 2);
        check(new LeakyReLU(0.5), -0.5, 2);
        check(new ELU(), Math.expm1(-1), 2);
        check(new ELU(0.5), 0.5 * Math.expm1(-1), 2);
        check(new SELU(), 1.0507009873554805 * 1.6732632423543772 * Math.expm1(-1), 2 * 1.0507009873554805);
        check(new Sigmoid(), 1 / (1 + Math.E), 1 / (1 + Math.exp(-2)));
        check(new Tanh(), Math.tanh(-1), Math.tanh(2));
        check(new LogSigmoid(), -1 - Math.log1p(Math.exp(-1)), -Math.log1p(Math.exp(-2)));
        check(new Identity(), -1, 2);
    }

    @Test
    void oneSideIsKept() {
        assertThat(declare(new ReLU(), PAIR).retainsOutput()).isTrue();
        assertThat(declare(new ReLU(), PAIR).retainsInputs()).isFalse();
        assertThat(declare(new LogSigmoid(), PAIR).retainsOutput()).isFalse();
        assertThat(declare(new LogSigmoid(), PAIR).retainsInputs()).isTrue();
        assertThat(declare(new ELU(-1), PAIR).retainsInputs()).isTrue();
    }

    @Test
    void argumentsAreFinite() {
        assertThatThrownBy(() -> new LeakyReLU(Double.NaN))
                .hasMessageContaining("'negative_slope' of LeakyReLU is NaN");
        assertThatThrownBy(() -> new ELU(Double.POSITIVE_INFINITY)).hasMessageContaining("'alpha' of ELU");
    }

    private static void check(Module module, double atMinusOne, double atTwo) {
        Numbers.assertClose(module.toString(), forward(module, PAIR, -1, 2), new double[] {atMinusOne, atTwo}, 1e-15);
    }
}
