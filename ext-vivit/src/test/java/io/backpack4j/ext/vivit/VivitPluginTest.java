// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.vivit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.spi.Arguments;
import io.backpack4j.spi.Plugin;
import io.backpack4j.spi.SpiVersion;
import io.backpack4j.spi.extension.Extension;
import io.backpack4j.spi.extension.ExtensionProvider;
import io.backpack4j.spi.extension.ParameterGroups;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceLoader;
import org.junit.jupiter.api.Test;

class VivitPluginTest {

    private final Plugin plugin = new VivitPlugin();

    @Test
    void is_found_as_a_service() {
        assertThat(ServiceLoader.load(Plugin.class)).hasAtLeastOneElementOfType(VivitPlugin.class);
        assertThat(plugin.descriptor().id()).isEqualTo("ext-vivit");
        assertThat(plugin.descriptor().compiledAgainst()).isEqualTo(SpiVersion.MAJOR);
    }

    @Test
    void makes_its_extensions() {
        assertThat(plugin.extensions())
                .extracting(ExtensionProvider::type)
                .containsExactly(
                        "CenteredBatchGrad",
                        "CenteredGramBatchGrad",
                        "DirectionalDampedNewton",
                        "DirectionalDerivatives",
                        "GgnEigenvalues",
                        "GgnEigenvectors",
                        "GramBatchGrad",
                        "GramSqrtGGNExact",
                        "GramSqrtGGNMC",
                        "Ntk");
        for (ExtensionProvider provider : plugin.extensions()) {
            assertThat(create(provider.type(), Map.of()).type()).isEqualTo(provider.type());
            // Plans are known by their extensions.
            assertThat(create(provider.type(), Map.of())).isEqualTo(create(provider.type(), Map.of()));
        }
    }

    @Test
    void reads_options() {
        GgnRoot root =
                new GgnRoot().in(ParameterGroups.LAYER).ofSamples(List.of(0, 2)).drawn(3);
        Map<String, Object> options =
                Map.of("groups", "layer", "subsampling", List.of(0, 2), "mc_samples", 3, "keep", List.of(-1, 4));
        assertThat(create("GgnEigenvectors", options)).isEqualTo(new GgnEigenvectors(root, Directions.keep(-1, 4)));
        Map<String, Object> others = Map.of(
                "groups",
                List.of(List.of("0.*"), List.of("2.weight", "3.*")),
                "subsampling_grad",
                List.of(1),
                "threshold",
                0.1,
                "rtol",
                1e-6);
        ParameterGroups listed = ParameterGroups.of(List.of(List.of("0.*"), List.of("2.weight", "3.*")));
        assertThat(create("DirectionalDerivatives", others))
                .isEqualTo(new DirectionalDerivatives(
                        new GgnRoot().in(listed), Directions.threshold(0.1).rtol(1e-6), Optional.of(List.of(1))));
        assertThat(create("GramSqrtGGNMC", Map.of("mc_samples", 2, "layerwise", true)))
                .isEqualTo(new GramSqrtGGNMC(2, true, Optional.empty()));
    }

    @Test
    void wrong_options_say_what_is_possible() {
        assertThatThrownBy(() -> create("GgnEigenvectors", Map.of("top", 1, "threshold", 0.1)))
                .hasMessageContaining("takes one of top=K, keep=[…] and threshold=t")
                .hasMessageContaining("top and threshold");
        assertThatThrownBy(() -> create("GgnEigenvectors", Map.of("top", 0))).hasMessageContaining("at least 1");
        assertThatThrownBy(() -> create("GgnEigenvectors", Map.of("threshold", 2.0)))
                .hasMessageContaining("at most 1");
        assertThatThrownBy(() -> create("GgnEigenvectors", Map.of("rtol", -1.0)))
                .hasMessageContaining("rtol");
        assertThatThrownBy(() -> create("GgnEigenvalues", Map.of("groups", "layers")))
                .hasMessageContaining("one of all, layer, parameter");
        assertThatThrownBy(() -> create("GgnEigenvalues", Map.of("subsampling", List.of())))
                .hasMessageContaining("names no position");
        assertThatThrownBy(() -> create("GgnEigenvalues", Map.of("mc_samples", -1)))
                .hasMessageContaining("mc_samples");
        assertThatThrownBy(() -> create("DirectionalDampedNewton", Map.of("damping", -1.0)))
                .hasMessageContaining("not negative");
        assertThatThrownBy(() -> create("GgnEigenvalues", Map.of("top", 1))).hasMessageContaining("no argument 'top'");
    }

    @Test
    void parameters_are_in_one_group_at_most() {
        ParameterGroups twice = ParameterGroups.of(List.of(List.of("0.*"), List.of("*.weight")));
        assertThat(twice.of("0.bias")).contains("0");
        assertThat(twice.of("2.bias")).isEmpty();
        assertThatThrownBy(() -> twice.of("0.weight")).hasMessageContaining("in the groups [0, 1]");
        assertThat(ParameterGroups.LAYER.members(List.of("0.weight", "1.weight", "0.bias")))
                .containsExactly(Map.entry("0", List.of("0.weight", "0.bias")), Map.entry("1", List.of("1.weight")));
        assertThatThrownBy(() -> ParameterGroups.of(List.of(List.of("9.*"))).members(List.of("0.weight")))
                .hasMessageContaining("has no parameter");
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
