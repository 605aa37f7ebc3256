// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.norm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.spi.Arguments;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleProvider;
import io.backpack4j.spi.module.ParameterSpec;
import io.backpack4j.spi.tensor.Shape;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class NormPluginTest {

    private final NormPlugin plugin = new NormPlugin();

    private Module create(String type, Map<String, ? extends @Nullable Object> arguments) {
        ModuleProvider provider = plugin.modules().stream()
                .filter(it -> it.type().equals(type))
                .findFirst()
                .orElseThrow();
        return provider.create(new Arguments("node 'a' (" + type + ")", arguments));
    }

    private static List<String> parameters(Module module, long... sample) {
        return module.declare(List.of(Shape.of(sample))).parameters().stream()
                .map(ParameterSpec::name)
                .toList();
    }

    @Test
    void argumentsArePyTorchs() {
        assertThat(plugin.descriptor().id()).isEqualTo("modules-norm");
        assertThat(create("LayerNorm", Map.of("normalized_shape", 3))).isEqualTo(LayerNorm.of(3));
        assertThat(create("LayerNorm", Map.of("normalized_shape", List.of(2, 3), "bias", false)))
                .isEqualTo(new LayerNorm(List.of(2L, 3L), 1e-5, true, false));
        assertThat(create("RMSNorm", Map.of("normalized_shape", 3))).isEqualTo(new RMSNorm(List.of(3L), null, true));
        assertThat(create("GroupNorm", Map.of("num_groups", 2, "num_channels", 4)))
                .isEqualTo(new GroupNorm(2, 4));
        assertThat(create("InstanceNorm2d", Map.of("num_features", 4, "momentum", 0.3)))
                .isEqualTo(new InstanceNorm(2, 4, 1e-5, false));
    }

    @Test
    void parametersAreThoseAskedFor() {
        assertThat(parameters(LayerNorm.of(3), 2, 3)).containsExactly("weight", "bias");
        assertThat(parameters(new LayerNorm(List.of(3L), 0, true, false), 3)).containsExactly("weight");
        assertThat(parameters(new LayerNorm(List.of(3L), 0, false, true), 3)).isEmpty();
        assertThat(parameters(new RMSNorm(List.of(3L), 0.1, true), 3)).containsExactly("weight");
        assertThat(parameters(new GroupNorm(2, 4), 4)).containsExactly("weight", "bias");
        assertThat(parameters(new InstanceNorm(1, 2, 0.1, false), 2, 3)).isEmpty();
    }

    @Test
    void whatDoesNotFitIsRefused() {
        assertThatThrownBy(() -> parameters(LayerNorm.of(2, 3), 3, 2))
                .hasMessageContaining("LayerNorm normalises the last axes of sizes normalized_shape = [2, 3]")
                .hasMessageContaining("[3, 2]");
        assertThatThrownBy(() -> parameters(LayerNorm.of(2, 3), 3)).hasMessageContaining("[2, 3]");
        assertThatThrownBy(() -> new LayerNorm(List.of(), 1e-5, true, true)).hasMessageContaining("normalized_shape");
        assertThatThrownBy(() -> new RMSNorm(List.of(3L), -1.0, true)).hasMessageContaining("'eps' of RMSNorm is -1.0");
        assertThatThrownBy(() -> new GroupNorm(2, 3))
                .hasMessageContaining("'num_channels' of GroupNorm is 3, but must be a multiple of num_groups = 2");
        assertThatThrownBy(() -> parameters(new GroupNorm(1, 2), 3, 3))
                .hasMessageContaining("has num_channels = 2, but samples of shape [3, 3] have 3 channels");
        assertThatThrownBy(() -> parameters(new InstanceNorm(2, 2, 0.1, true), 2, 3))
                .hasMessageContaining("InstanceNorm2d takes samples with channels and 2 more axes");
        assertThatThrownBy(() -> parameters(new InstanceNorm(1, 2, 0.1, true), 2, 1))
                .hasMessageContaining("have one: all outputs would be the bias");
        assertThatThrownBy(() -> create("InstanceNorm1d", Map.of("num_features", 2, "track_running_stats", true)))
                .hasMessageContaining("track_running_stats")
                .hasMessageContaining("running statistics");
    }

    @Test
    void positionsAreAllAxesThatAreNotNormalised() {
        List<Shape> inputs = List.of(Shape.of(2, 4, 3));
        assertThat(LayerNorm.of(3).positionAxes(List.of(0, 1), inputs)).contains(List.of(0, 1));
        assertThat(LayerNorm.of(3).positionAxes(List.of(0), inputs)).isEmpty();
        assertThat(LayerNorm.of(4, 3).positionAxes(List.of(0, 1), inputs)).isEmpty();
        assertThat(new GroupNorm(1, 2).positionAxes(List.of(1, 2), inputs)).isEmpty();
    }
}
