// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.log;

import com.fasterxml.jackson.core.JsonProcessingException;
import io.backpack4j.spi.BackpackException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Reads a log that may be going on, a few lines after another. Used by one thread. */
public final class GrowingLog implements AutoCloseable {

    private static final int BLOCK = 1 << 16;

    private final Path path;
    private final FileChannel channel;
    private final ByteBuffer block = ByteBuffer.allocate(BLOCK);
    private final Optional<RunLog> original;
    private byte[] unfinished = new byte[0];
    private boolean begun;

    /**
     * Opens a log.
     *
     * @throws BackpackException if there is none
     */
    public GrowingLog(Path path) {
        this.path = path;
        try {
            this.original = OriginalLog.read(Files.readString(path, StandardCharsets.UTF_8));
            this.channel = FileChannel.open(path, StandardOpenOption.READ);
        } catch (IOException e) {
            throw failure(e);
        }
    }

    /**
     * The whole lines that were written since the last call. A log that became shorter, as that of another run does, is
     * read from its start.
     */
    public List<LogLine> newLines() {
        if (original.isPresent()) {
            List<LogLine> all = begun ? List.of() : original.get().lines();
            begun = true;
            return all;
        }
        List<LogLine> lines = new ArrayList<>();
        try {
            if (channel.size() < channel.position()) {
                channel.position(0);
                unfinished = new byte[0];
            }
            block.clear();
            while (channel.read(block) > 0) {
                block.flip();
                take(lines);
                block.clear();
            }
        } catch (IOException e) {
            throw failure(e);
        }
        return lines;
    }

    /** Splits what was read into lines. */
    private void take(List<LogLine> lines) throws JsonProcessingException {
        byte[] bytes = new byte[unfinished.length + block.remaining()];
        System.arraycopy(unfinished, 0, bytes, 0, unfinished.length);
        block.get(bytes, unfinished.length, block.remaining());
        int from = 0;
        for (int i = unfinished.length; i < bytes.length; i++) {
            if (bytes[i] == '\n') {
                String text = new String(bytes, from, i - from, StandardCharsets.UTF_8);
                if (!text.isBlank()) {
                    lines.add(new LogLine(RunLog.withoutNulls(Json.object(text))));
                }
                from = i + 1;
            }
        }
        unfinished = Arrays.copyOfRange(bytes, from, bytes.length);
    }

    private BackpackException failure(IOException cause) {
        return new BackpackException(
                LogProblems.INVALID_LOG, "The log '%s' cannot be read: %s.".formatted(path, cause), cause);
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw failure(e);
        }
    }
}
