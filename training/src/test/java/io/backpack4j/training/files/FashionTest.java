// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.files;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.formats.IdxFile;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.data.HostTensor;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FashionTest {

    @TempDir
    private Path folder;

    @Test
    void what_is_not_installed_names_the_package() {
        assertThatThrownBy(() -> DataSets.fashion(folder, false))
                .hasMessageStartingWith("[InvalidOption] Fashion-MNIST is not installed")
                .hasMessageContaining("train-images-idx3-ubyte.gz")
                .hasMessageContaining("apt-get install dataset-fashion-mnist");
    }

    @Test
    void both_parts_are_read_from_the_folder_of_the_package() {
        for (String part : new String[] {"train", "t10k"}) {
            IdxFile.of(Shape.of(2, 1, 2), new byte[] {1, 2, (byte) part.length(), 4})
                    .write(folder.resolve(part + "-images-idx3-ubyte.gz"));
            IdxFile.of(Shape.of(2), new byte[] {7, 9}).write(folder.resolve(part + "-labels-idx1-ubyte.gz"));
        }
        for (boolean test : new boolean[] {false, true}) {
            DataSets.Opened opened = DataSets.fashion(folder, test);
            HostTensor input = opened.source().read(new long[] {1}, 1).inputs().get("input");
            assertThat(opened.areBytes()).isTrue();
            assertThat(input.shape()).isEqualTo(Shape.of(1, 1, 2));
            assertThat(input.value(0)).isEqualTo(test ? 4 : 5);
        }
    }
}
