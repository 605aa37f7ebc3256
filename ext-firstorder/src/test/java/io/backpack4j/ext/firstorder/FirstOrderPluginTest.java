// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.firstorder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.spi.Arguments;
import io.backpack4j.spi.Plugin;
import io.backpack4j.spi.SpiVersion;
import io.backpack4j.spi.extension.Extension;
import io.backpack4j.spi.extension.ExtensionProvider;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import org.junit.jupiter.api.Test;

class FirstOrderPluginTest {

    private final Plugin plugin = new FirstOrderPlugin();

    @Test
    void isFoundAsAService() {
        assertThat(ServiceLoader.load(Plugin.class)).hasAtLeastOneElementOfType(FirstOrderPlugin.class);
        assertThat(plugin.descriptor().id()).isEqualTo("ext-firstorder");
        assertThat(plugin.descriptor().compiledAgainst()).isEqualTo(SpiVersion.MAJOR);
    }

    @Test
    void makesItsExtensions() {
        assertThat(plugin.extensions())
                .extracting(ExtensionProvider::type)
                .containsExactly("BatchGrad", "BatchGradRows", "BatchL2Grad", "SumGradSquared", "Variance");
        for (ExtensionProvider provider : plugin.extensions()) {
            assertThat(create(provider.type(), Map.of()).type()).isEqualTo(provider.type());
        }
    }

    @Test
    void readsSubsampling() {
        assertThat(create("BatchGrad", Map.of("subsampling", List.of(0, 2)))).isEqualTo(new BatchGrad(List.of(0, 2)));
        assertThat(create("BatchGrad", Map.of("subsampling", 3))).isEqualTo(new BatchGrad(List.of(3)));
        assertThat(create("BatchGrad", Map.of())).isEqualTo(new BatchGrad());
        assertThat(create("BatchGradRows", Map.of("subsampling", List.of(1)))).isEqualTo(new BatchGradRows(List.of(1)));
        for (Object wrong : List.of(List.of(-1), List.of(0.5), "all", List.of(1L << 40))) {
            assertThatThrownBy(() -> create("BatchGrad", Map.of("subsampling", wrong)))
                    .hasMessageContaining("'subsampling' of BatchGrad");
        }
    }

    @Test
    void otherOptionsAreUnknown() {
        assertThatThrownBy(() -> create("BatchGrad", Map.of("mc_samples", 1)))
                .hasMessageContaining("no argument 'mc_samples'. It takes: subsampling.");
        assertThatThrownBy(() -> create("Variance", Map.of("subsampling", 1))).hasMessageContaining("It takes none.");
    }

    private Extension<?> create(String type, Map<String, ?> options) {
        Arguments arguments = new Arguments(type, options);
        Extension<?> extension = plugin.extensions().stream()
                .filter(provider -> provider.type().equals(type))
                .findFirst()
                .orElseThrow()
                .create(arguments);
        arguments.rejectUnknown();
        return extension;
    }
}
