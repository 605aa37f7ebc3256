// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.readme;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Compiles and runs the examples of guides to what curvature is for, as they stand there. */
class CurvatureGuidesTest {

    @TempDir
    Path folder;

    @ParameterizedTest
    @CsvSource({
        "influence.md, WhoDidThat, sample 0 changed it most",
        "continual-learning.md, TwoTasks, penalty=",
        "pruning.md, Smaller, '81 weights, expected increase'"
    })
    void the_example_compiles_and_says_what_it_found(String guide, String name, String found) throws Exception {
        assertThat(Example.printed(folder, guide, name)).contains(found);
    }
}
