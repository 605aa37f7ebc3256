// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spark;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class StateChunksTest {

    private static final int CHUNK = 4 << 20;

    @ParameterizedTest
    @ValueSource(ints = {0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 5})
    void what_was_written_is_read(int length) throws IOException {
        byte[] bytes = new byte[length];
        new Random(length).nextBytes(bytes);
        StateChunks chunks = new StateChunks();
        int half = length / 3;
        chunks.write(bytes, 0, half);
        for (int i = half; i < Math.min(length, half + 3); i++) {
            chunks.write(bytes[i]);
        }
        int from = Math.min(length, half + 3);
        chunks.write(bytes, from, length - from);
        List<byte[]> all = chunks.all();
        assertThat(all).allMatch(chunk -> chunk.length <= CHUNK);
        assertThat(StateChunks.stream(all.iterator()).readAllBytes()).isEqualTo(bytes);
    }

    @Test
    void chunks_are_taken_as_they_are_read() throws IOException {
        var iterator = List.of(new byte[] {1, 2}, new byte[] {3}).iterator();
        var stream = StateChunks.stream(iterator);
        assertThat(stream.read()).isEqualTo(1);
        assertThat(iterator.hasNext()).isTrue();
        assertThat(stream.readAllBytes()).containsExactly(2, 3);
    }
}
