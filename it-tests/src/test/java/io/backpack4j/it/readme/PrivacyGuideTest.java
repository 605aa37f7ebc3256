// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.readme;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Compiles and runs the example of the guide to private training as it stands there. */
class PrivacyGuideTest {

    @TempDir
    Path folder;

    @Test
    void the_example_compiles_and_says_what_it_spent() throws Exception {
        String printed = Example.printed(folder, "privacy.md", "PrivateTraining");
        Matcher epsilon = Pattern.compile("epsilon=([0-9.]+)").matcher(printed);
        assertThat(epsilon.find()).isTrue();
        assertThat(Double.parseDouble(epsilon.group(1))).isBetween(2.5, 3.0);
    }
}
