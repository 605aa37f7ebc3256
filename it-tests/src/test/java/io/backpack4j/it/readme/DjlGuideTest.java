// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.readme;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.training.dataset.Dataset;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The guide to DJL's training loops; what it shows runs in module {@code djl}, where DJL's engine is. */
class DjlGuideTest {

    @Test
    void the_example_compiles(@TempDir Path folder) throws Exception {
        Class<?> compiled = Example.compiled(folder, "djl.md", "Watched");
        assertThat(compiled.getMethod("train", Dataset.class)).isNotNull();
    }
}
