// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.conv;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.spi.Plugin;
import io.backpack4j.spi.SpiVersion;
import io.backpack4j.spi.module.ModuleProvider;
import java.util.ArrayList;
import java.util.List;
import java.util.ServiceLoader;
import org.junit.jupiter.api.Test;

class ConvPluginTest {

    private final Plugin plugin = new ConvPlugin();

    @Test
    void isFoundAsAService() {
        assertThat(ServiceLoader.load(Plugin.class)).hasAtLeastOneElementOfType(ConvPlugin.class);
        assertThat(plugin.descriptor().id()).isEqualTo("modules-conv");
        assertThat(plugin.descriptor().compiledAgainst()).isEqualTo(SpiVersion.MAJOR);
    }

    @Test
    void everyFamilyHasThreeTypes() {
        List<String> types = new ArrayList<>(List.of("Pad", "Upsample"));
        for (String family : List.of(
                "Conv",
                "ConvTranspose",
                "MaxPool",
                "AvgPool",
                "AdaptiveMaxPool",
                "AdaptiveAvgPool",
                "ZeroPad",
                "ConstantPad",
                "BatchNorm")) {
            for (int axes = 1; axes <= 3; axes++) {
                types.add(family + axes + "d");
            }
        }
        assertThat(plugin.modules()).extracting(ModuleProvider::type).containsExactlyInAnyOrderElementsOf(types);
    }
}
