// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.secondorder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.spi.Arguments;
import io.backpack4j.spi.Plugin;
import io.backpack4j.spi.SpiVersion;
import io.backpack4j.spi.extension.Extension;
import io.backpack4j.spi.extension.ExtensionProvider;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceLoader;
import org.junit.jupiter.api.Test;

class SecondOrderPluginTest {

    private final Plugin plugin = new SecondOrderPlugin();

    @Test
    void isFoundAsAService() {
        assertThat(ServiceLoader.load(Plugin.class)).hasAtLeastOneElementOfType(SecondOrderPlugin.class);
        assertThat(plugin.descriptor().id()).isEqualTo("ext-secondorder");
        assertThat(plugin.descriptor().compiledAgainst()).isEqualTo(SpiVersion.MAJOR);
    }

    @Test
    void makesItsExtensions() {
        assertThat(plugin.extensions())
                .extracting(ExtensionProvider::type)
                .contains(
                        "BatchDiagGGNExact",
                        "BatchDiagGGNMC",
                        "BatchDiagHessian",
                        "DiagGGNExact",
                        "DiagGGNMC",
                        "DiagHessian",
                        "SqrtGGNExact",
                        "SqrtGGNMC");
        for (ExtensionProvider provider : plugin.extensions()) {
            assertThat(create(provider.type(), Map.of()).type()).isEqualTo(provider.type());
        }
    }

    @Test
    void resultsHaveTheirNames() {
        assertThat(new DiagGGNExact().resultName()).isEqualTo("diag_ggn_exact");
        assertThat(new DiagGGNMC().resultName()).isEqualTo("diag_ggn_mc");
        assertThat(new BatchDiagGGNExact().resultName()).isEqualTo("diag_ggn_exact_batch");
        assertThat(new BatchDiagGGNMC().resultName()).isEqualTo("diag_ggn_mc_batch");
        assertThat(new SqrtGGNExact().resultName()).isEqualTo("sqrt_ggn_exact");
        assertThat(new SqrtGGNMC().resultName()).isEqualTo("sqrt_ggn_mc");
        assertThat(new DiagHessian().resultName()).isEqualTo("diag_h");
        assertThat(new BatchDiagHessian().resultName()).isEqualTo("diag_h_batch");
    }

    @Test
    void readsOptions() {
        assertThat(create("DiagGGNMC", Map.of())).isEqualTo(new DiagGGNMC(1));
        assertThat(create("BatchDiagGGNMC", Map.of("mc_samples", 7))).isEqualTo(new BatchDiagGGNMC(7));
        assertThat(create("SqrtGGNMC", Map.of("mc_samples", 2, "subsampling", List.of(1, 0))))
                .isEqualTo(new SqrtGGNMC(2, Optional.of(List.of(1, 0))));
        assertThat(create("SqrtGGNExact", Map.of("subsampling", List.of(1)))).isEqualTo(new SqrtGGNExact(List.of(1)));
    }

    @Test
    void refusesWrongOptions() {
        for (String type : List.of("DiagGGNMC", "BatchDiagGGNMC", "SqrtGGNMC")) {
            for (Object wrong : List.of(0, -1, 1.5, "many", 1L << 40)) {
                assertThatThrownBy(() -> create(type, Map.of("mc_samples", wrong)))
                        .hasMessageContaining("'mc_samples' of " + type);
            }
        }
        assertThatThrownBy(() -> new DiagGGNMC(0)).hasMessageContaining("is 0, but must be at least 1");
        assertThatThrownBy(() -> new SqrtGGNMC(0)).hasMessageContaining("is 0, but must be at least 1");
        assertThatThrownBy(() -> new SqrtGGNExact(List.of(1, -2)))
                .hasMessage("[InvalidArgument] Option 'subsampling' of SqrtGGNExact asks for position -2, but positions"
                        + " in the batch are counted from 0.");
        assertThatThrownBy(() -> create("SqrtGGNMC", Map.of("subsampling", List.of(-1))))
                .hasMessageContaining("'subsampling' of SqrtGGNMC");
        assertThatThrownBy(() -> create("DiagGGNExact", Map.of("mc_samples", 1)))
                .hasMessageContaining("It takes none.");
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
