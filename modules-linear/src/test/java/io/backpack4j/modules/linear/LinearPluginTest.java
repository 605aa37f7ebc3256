// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.modules.linear.loss.BCEWithLogitsLoss;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.modules.linear.loss.MSELoss;
import io.backpack4j.spi.Arguments;
import io.backpack4j.spi.Plugin;
import io.backpack4j.spi.SpiVersion;
import io.backpack4j.spi.loss.Loss;
import io.backpack4j.spi.loss.LossProvider;
import io.backpack4j.spi.loss.LossReduction;
import io.backpack4j.spi.module.Mode;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleProvider;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import org.junit.jupiter.api.Test;

class LinearPluginTest {

    private final Plugin plugin = new LinearPlugin();

    @Test
    void isFoundAsAService() {
        assertThat(ServiceLoader.load(Plugin.class)).hasAtLeastOneElementOfType(LinearPlugin.class);
        assertThat(plugin.descriptor().id()).isEqualTo("modules-linear");
        assertThat(plugin.descriptor().compiledAgainst()).isEqualTo(SpiVersion.MAJOR);
    }

    @Test
    void namesAreThoseOfTheTypes() {
        assertThat(plugin.modules())
                .extracting(ModuleProvider::type)
                .containsExactly(
                        "Linear",
                        "ReLU",
                        "LeakyReLU",
                        "ELU",
                        "SELU",
                        "Sigmoid",
                        "Tanh",
                        "LogSigmoid",
                        "GELU",
                        "SiLU",
                        "Mish",
                        "Softplus",
                        "Softsign",
                        "Hardtanh",
                        "Hardswish",
                        "Hardsigmoid",
                        "ReLU6",
                        "PReLU",
                        "GLU",
                        "Softmax",
                        "LogSoftmax",
                        "Identity",
                        "Flatten",
                        "Dropout",
                        "StochasticDepth",
                        "Scale",
                        "Sum",
                        "Sub",
                        "Mul",
                        "Div",
                        "Affine",
                        "Concat",
                        "Mean",
                        "Max",
                        "MatMul",
                        "Reshape",
                        "Parameter",
                        "Permute",
                        "Slice");
        assertThat(plugin.losses())
                .extracting(LossProvider::type)
                .containsExactly(
                        "CrossEntropyLoss",
                        "NLLLoss",
                        "MSELoss",
                        "BCEWithLogitsLoss",
                        "L1Loss",
                        "SmoothL1Loss",
                        "HuberLoss",
                        "PoissonNLLLoss",
                        "GaussianNLLLoss",
                        "KLDivLoss");
        for (String type :
                new String[] {"ReLU", "SELU", "Sigmoid", "Tanh", "LogSigmoid", "Identity", "Sum", "Sub", "Mul", "Div"
                }) {
            assertThat(create(type, Map.of()).type()).isEqualTo(type);
        }
        assertThat(loss("MSELoss", Map.of()).type()).isEqualTo("MSELoss");
    }

    @Test
    void argumentsAndDefaultsArePyTorchs() {
        assertThat(create("Linear", Map.of("in_features", 3, "out_features", 2)))
                .isEqualTo(new Linear(3, 2, true));
        assertThat(create("Linear", Map.of("in_features", 3, "out_features", 2, "bias", false)))
                .isEqualTo(new Linear(3, 2, false));
        assertThat(create("LeakyReLU", Map.of())).isEqualTo(new LeakyReLU(0.01));
        assertThat(create("LeakyReLU", Map.of("negative_slope", 0.2))).isEqualTo(new LeakyReLU(0.2));
        assertThat(create("ELU", Map.of())).isEqualTo(new ELU(1));
        assertThat(create("ELU", Map.of("alpha", 2))).isEqualTo(new ELU(2));
        assertThat(create("Flatten", Map.of())).isEqualTo(new Flatten(1, -1));
        assertThat(create("Flatten", Map.of("start_dim", 2, "end_dim", 3))).isEqualTo(new Flatten(2, 3));
        assertThat(create("Dropout", Map.of())).isEqualTo(new Dropout(0.5, Mode.TRAIN));
        assertThat(create("Dropout", Map.of("p", 0.1, "mode", "eval"))).isEqualTo(new Dropout(0.1, Mode.EVAL));
        assertThat(create("Scale", Map.of("weight", 3))).isEqualTo(new Scale(3));
        assertThat(create("Affine", Map.of())).isEqualTo(new Affine(1, 0));
        assertThat(create("Affine", Map.of("scale", 2, "shift", -1))).isEqualTo(new Affine(2, -1));
        assertThat(create("StochasticDepth", Map.of("p", 0.1, "mode", "eval")))
                .isEqualTo(new StochasticDepth(0.1, Mode.EVAL));
        assertThat(create("Concat", Map.of("dim", 1))).isEqualTo(new Concat(1));
        assertThat(create("Reshape", Map.of("shape", List.of(2, -1)))).isEqualTo(new Reshape(2, -1));
        assertThat(create("Max", Map.of("dim", 1))).isEqualTo(new Max(1));
        assertThat(create("Permute", Map.of("dims", List.of(0, 2, 1)))).isEqualTo(new Permute(0, 2, 1));
        assertThat(loss("CrossEntropyLoss", Map.of())).isEqualTo(new CrossEntropyLoss(LossReduction.MEAN));
        assertThat(loss("MSELoss", Map.of("reduction", "sum"))).isEqualTo(new MSELoss(LossReduction.SUM));
        assertThat(loss("BCEWithLogitsLoss", Map.of("reduction", "mean"))).isEqualTo(new BCEWithLogitsLoss());
    }

    @Test
    void slicesAreIndicesAndRanges() {
        List<Object> slices = Arrays.asList(
                Arrays.asList(null, null, null), 0, Arrays.asList(null, null, 2), Arrays.asList(0, -2, null));

        assertThat(create("Slice", Map.of("slices", slices)))
                .isEqualTo(new Slice(List.of(
                        new Slice.Range(),
                        new Slice.Index(0),
                        new Slice.Range(null, null, 2L),
                        new Slice.Range(0L, -2L, null))));
    }

    @Test
    void wrongSlicesAreShown() {
        for (Object wrong : Arrays.asList("all", 0.5, null, List.of(1, 2), List.of("a", 1, 1))) {
            List<Object> slices = Arrays.asList(Arrays.asList(null, null, null), wrong);

            assertThatThrownBy(() -> create("Slice", Map.of("slices", slices)))
                    .hasMessageContaining("Argument 'slices' of node 'a'")
                    .hasMessageContaining("[start, stop, step]");
        }
    }

    @Test
    void missingArgumentsAreNamed() {
        assertThatThrownBy(() -> create("Linear", Map.of("in_features", 3))).hasMessageContaining("'out_features'");
        assertThatThrownBy(() -> create("Scale", Map.of())).hasMessageContaining("'weight'");
        assertThatThrownBy(() -> create("Concat", Map.of())).hasMessageContaining("'dim'");
        assertThatThrownBy(() -> create("Dropout", Map.of("mode", "off"))).hasMessageContaining("train, eval");
        assertThatThrownBy(() -> loss("MSELoss", Map.of("reduction", "none"))).hasMessageContaining("mean, sum");
    }

    private Module create(String type, Map<String, ?> values) {
        Arguments arguments = new Arguments("node 'a' (" + type + ")", values);
        Module module = plugin.modules().stream()
                .filter(provider -> provider.type().equals(type))
                .findFirst()
                .orElseThrow()
                .create(arguments);
        arguments.rejectUnknown();
        return module;
    }

    private Loss loss(String type, Map<String, ?> values) {
        Arguments arguments = new Arguments("the loss (" + type + ")", values);
        Loss loss = plugin.losses().stream()
                .filter(provider -> provider.type().equals(type))
                .findFirst()
                .orElseThrow()
                .create(arguments);
        arguments.rejectUnknown();
        return loss;
    }
}
