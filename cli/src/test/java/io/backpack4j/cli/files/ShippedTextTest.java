// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.files;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.training.data.BatchData;
import io.backpack4j.training.data.HostTensor;
import org.junit.jupiter.api.Test;

/** The text that ships, in windows. */
class ShippedTextTest {

    private static String text(HostTensor codes, int window, String alphabet) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < ShippedText.LENGTH; i++) {
            text.append(alphabet.charAt((int) codes.value(window * ShippedText.LENGTH + i)));
        }
        return text.toString();
    }

    @Test
    void it_begins_with_the_first_query_and_ends_with_the_book() {
        TextWindows all = ShippedText.training(0);
        assertThat(all.input(0)).startsWith("Query 1. Do not Bodies act upon Light at a distance");
        TextWindows end = ShippedText.heldOut(ShippedText.HELD_OUT);
        assertThat(end.target(end.samples() - 1)).contains("before they corrupted");
    }

    @Test
    void targets_are_the_characters_behind() {
        TextWindows windows = ShippedText.heldOut(ShippedText.HELD_OUT);
        BatchData data = windows.source(3).read(new long[] {0, 2}, 1);
        HostTensor inputs = data.inputs().values().iterator().next();
        assertThat(text(inputs, 1, windows.alphabet())).isEqualTo(windows.input(2));
        assertThat(text(data.targets(), 1, windows.alphabet())).isEqualTo(windows.target(2));
        assertThat(windows.target(2).substring(0, ShippedText.LENGTH - 1))
                .isEqualTo(windows.input(2).substring(1));
        assertThat(windows.input(1)).startsWith(windows.target(0).substring(ShippedText.LENGTH - 1));
    }

    @Test
    void no_target_of_training_is_held_out() {
        TextWindows training = ShippedText.training(ShippedText.HELD_OUT);
        String whole = ShippedText.training(0).input(0);
        assertThat(training.input(0)).isEqualTo(whole);
        String first = ShippedText.heldOut(ShippedText.HELD_OUT).input(0);
        String last = training.target(training.samples() - 1);
        assertThat(last).doesNotContain(first.substring(0, ShippedText.LENGTH / 4));
        assertThat(training.samples()).isEqualTo((93_380 - ShippedText.LENGTH - 1) / 16 + 1);
        assertThat(ShippedText.heldOut(ShippedText.HELD_OUT).samples()).isEqualTo(162);
    }

    @Test
    void models_know_all_characters() {
        long characters = ShippedText.training(0).alphabet().length();
        for (String name : ShippedText.MODELS) {
            ModelDescription model = ShippedModels.read(name);
            assertThat(model.nodes())
                    .filteredOn(node -> node.type().equals("Embedding"))
                    .singleElement()
                    .satisfies(
                            node -> assertThat(String.valueOf(node.arguments().get("num_embeddings")))
                                    .isEqualTo(String.valueOf(characters)));
            assertThat(model.nodes())
                    .filteredOn(node -> node.name().equals("head"))
                    .singleElement()
                    .satisfies(
                            node -> assertThat(String.valueOf(node.arguments().get("out_features")))
                                    .isEqualTo(String.valueOf(characters)));
        }
    }

    @Test
    void windows_that_do_not_fit_are_none() {
        CharacterText text = CharacterText.of("to be or not");
        assertThat(text.alphabet()).isEqualTo(" benort");
        assertThat(new TextWindows(text, 0, 4, 4, 1).samples()).isZero();
        assertThat(new TextWindows(text, 0, 5, 4, 1).samples()).isOne();
        TextWindows windows = new TextWindows(text, 3, 12, 4, 2);
        assertThat(windows.samples()).isEqualTo(3);
        assertThat(windows.target(2)).isEqualTo(" not");
    }
}
