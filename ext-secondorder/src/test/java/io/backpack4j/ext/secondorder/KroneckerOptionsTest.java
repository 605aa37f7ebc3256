// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.secondorder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.spi.Arguments;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.extension.Extension;
import io.backpack4j.spi.module.KroneckerConvention;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class KroneckerOptionsTest {

    private static Extension<?> create(String type, Map<String, Object> options) {
        Arguments arguments = new Arguments("extension " + type, options);
        Extension<?> extension = new SecondOrderPlugin()
                .extensions().stream()
                        .filter(provider -> provider.type().equals(type))
                        .findFirst()
                        .orElseThrow()
                        .create(arguments);
        arguments.rejectUnknown();
        return extension;
    }

    @Test
    void optionsAreRead() {
        assertThat(create("KFAC", Map.of())).isEqualTo(new KFAC());
        assertThat(create("KFAC", Map.of("mc_samples", 10))).isEqualTo(new KFAC(10));
        assertThat(create("KFAC", Map.of("fisher", "empirical"))).isEqualTo(KFAC.empirical());
        assertThat(create("KFAC", Map.of("fisher", "mc", "convention", "expand")))
                .isEqualTo(new KFAC(1, Fisher.MC, Optional.of(KroneckerConvention.EXPAND)));
        assertThat(create("KFLR", Map.of())).isEqualTo(new KFLR());
        assertThat(create("KFLR", Map.of("convention", "reduce")))
                .isEqualTo(new KFLR(Optional.of(KroneckerConvention.REDUCE)));
        assertThat(create("KFLR", Map.of("convention", "backpack")))
                .isEqualTo(new KFLR(Optional.of(KroneckerConvention.BACKPACK)));
    }

    @Test
    void wrongOptionsAreRefused() {
        assertRefused("KFAC", Map.of("mc_samples", 0), "mc_samples");
        assertRefused("KFAC", Map.of("fisher", "true"), "one of mc, empirical");
        assertRefused("KFAC", Map.of("fisher", "empirical", "mc_samples", 2), "leave out 'mc_samples'");
        assertRefused("KFLR", Map.of("convention", "none"), "one of default, expand, reduce, backpack");
        assertRefused("KFLR", Map.of("mc_samples", 2), "has no argument 'mc_samples'");
        assertThatThrownBy(() -> new KFAC(0)).isInstanceOf(BackpackException.class);
    }

    private static void assertRefused(String type, Map<String, Object> options, String message) {
        assertThatThrownBy(() -> create(type, options))
                .isInstanceOf(BackpackException.class)
                .hasMessageContaining(message);
    }

    @Test
    void resultsHaveTheirNames() {
        assertThat(new KFAC().resultName()).isEqualTo("kfac");
        assertThat(new KFLR().resultName()).isEqualTo("kflr");
    }
}
