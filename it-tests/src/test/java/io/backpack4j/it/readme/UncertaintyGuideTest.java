// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.readme;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Compiles and runs the example of the guide to uncertainty as it stands there. */
class UncertaintyGuideTest {

    @TempDir
    Path folder;

    @Test
    void the_example_is_less_sure_far_from_its_data() throws Exception {
        String printed = Example.printed(folder, "uncertainty.md", "Uncertainty");
        Matcher variance = Pattern.compile("variance ([0-9.]+)").matcher(printed);
        double[] variances = variance.results()
                .mapToDouble(found -> Double.parseDouble(found.group(1)))
                .toArray();
        assertThat(variances).hasSize(3);
        assertThat(variances[2]).isGreaterThan(variances[1]);
        assertThat(printed).contains("accuracy").contains("ece");
    }
}
