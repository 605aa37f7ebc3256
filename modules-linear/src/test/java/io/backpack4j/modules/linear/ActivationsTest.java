// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear;

import static io.backpack4j.modules.linear.ModuleRunner.declare;
import static io.backpack4j.modules.linear.ModuleRunner.forward;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleDeclaration;
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
        // Φ(-1) and Φ(2)
        check(new GELU(), -0.15865525393145707, 2 * 0.9772498680518208);
        double scale = Math.sqrt(2 / Math.PI);
        check(new GELU("tanh"), -0.5 * (1 + Math.tanh(scale * -1.044715)), 1 + Math.tanh(scale * (2 + 0.044715 * 8)));
        check(new SiLU(), -1 / (1 + Math.E), 2 / (1 + Math.exp(-2)));
        check(new Mish(), -Math.tanh(Math.log1p(Math.exp(-1))), 2 * Math.tanh(Math.log1p(Math.exp(2))));
        check(new Softplus(), Math.log1p(Math.exp(-1)), Math.log1p(Math.exp(2)));
        check(new Softplus(0.5, 0.8), 2 * Math.log1p(Math.exp(-0.5)), 2);
        check(new Softsign(), -0.5, 2 / 3.0);
        check(new Hardtanh(), -1, 1);
        check(new Hardtanh(-0.5, 3), -0.5, 2);
        check(new Hardswish(), -1 / 3.0, 5 / 3.0);
        check(new Hardsigmoid(), 1 / 3.0, 5 / 6.0);
        check(new ReLU6(), 0, 2);
        check(new GLU(), -1 / (1 + Math.exp(-2)));
        check(new Softmax(-1L), 1 / (1 + Math.exp(3)), 1 / (1 + Math.exp(-3)));
        check(new LogSoftmax(null), -Math.log1p(Math.exp(3)), -Math.log1p(Math.exp(-3)));
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
    void weightsAreOfChannels() {
        ModuleDeclaration declaration = declare(new PReLU(3, 0.1), Shape.of(3, 2));
        assertThat(declaration.parameters().get(0).shape()).isEqualTo(Shape.of(3));
        assertThat(declare(new PReLU(), Shape.of()).output()).isEqualTo(Shape.of());
        assertThatThrownBy(() -> declare(new PReLU(3, 0.1), PAIR))
                .hasMessageContaining("has num_parameters = 3 weights, but samples of shape [2] have 2 channels");
        assertThatThrownBy(() -> new PReLU(0, 0.25)).hasMessageContaining("'num_parameters' of PReLU is 0");
    }

    @Test
    void axesAreOfOneSample() {
        assertThat(declare(new GLU(1), Shape.of(4, 3)).output()).isEqualTo(Shape.of(2, 3));
        assertThatThrownBy(() -> declare(new GLU(), Shape.of(4, 3)))
                .hasMessageContaining(
                        "halves its input along dim = -1, but there samples of shape [4, 3] have the odd");
        assertThatThrownBy(() -> declare(new Softmax(0L), PAIR))
                .hasMessageContaining("'dim' of Softmax is 0, but must be an axis behind the batch");
        assertThatThrownBy(() -> declare(new LogSoftmax(null), Shape.of(4, 3)))
                .hasMessageContaining("LogSoftmax needs its axis 'dim' for samples of shape [4, 3]");
    }

    @Test
    void otherArgumentsAreRefused() {
        assertThatThrownBy(() -> new GELU("sigmoid"))
                .hasMessageContaining("'approximate' of GELU is 'sigmoid', but must be 'none' or 'tanh'");
        assertThatThrownBy(() -> new Softplus(0, 20)).hasMessageContaining("'beta' of Softplus is 0.0");
        assertThatThrownBy(() -> new Hardtanh(1, 1)).hasMessageContaining("must be above min_val, which is 1.0");
    }

    @Test
    void argumentsAreFinite() {
        assertThatThrownBy(() -> new LeakyReLU(Double.NaN))
                .hasMessageContaining("'negative_slope' of LeakyReLU is NaN");
        assertThatThrownBy(() -> new ELU(Double.POSITIVE_INFINITY)).hasMessageContaining("'alpha' of ELU");
    }

    private static void check(Module module, double... atMinusOneAndTwo) {
        Numbers.assertClose(module.toString(), forward(module, PAIR, -1, 2), atMinusOneAndTwo, 1e-15);
    }
}
