// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.log;

import io.backpack4j.spi.BackpackException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * Appends lines to a log. Every line is handed to the system at once, so that readers see whole lines, and a run that
 * dies loses none.
 */
public final class LogWriter implements AutoCloseable {

    private final Path path;
    private final FileChannel channel;

    private LogWriter(Path path, FileChannel channel) {
        this.path = path;
        this.channel = channel;
    }

    /**
     * Opens a log, and makes its folder.
     *
     * @param appends whether lines that are there stay; a last line that is not whole goes
     */
    public static LogWriter open(Path path, boolean appends) {
        try {
            Path parent = path.toAbsolutePath().getParent();
            if (parent != null) {
                Files.createDirectories(parent);
            }
            FileChannel channel = FileChannel.open(
                    path, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
            channel.truncate(appends ? wholeLines(channel) : 0);
            channel.position(channel.size());
            return new LogWriter(path, channel);
        } catch (IOException e) {
            throw failure(path, e);
        }
    }

    /** The bytes up to the end of the last whole line. */
    private static long wholeLines(FileChannel channel) throws IOException {
        ByteBuffer block = ByteBuffer.allocate(1 << 13);
        long end = channel.size();
        while (end > 0) {
            long from = Math.max(0, end - block.capacity());
            block.clear().limit((int) (end - from));
            while (block.hasRemaining() && channel.read(block, from + block.position()) > 0) {
                // Reads on.
            }
            for (int i = block.position() - 1; i >= 0; i--) {
                if (block.get(i) == '\n') {
                    return from + i + 1;
                }
            }
            end = from;
        }
        return 0;
    }

    /** Writes a line. */
    public void write(LogLine line) {
        ByteBuffer bytes = ByteBuffer.wrap((Json.text(line.fields()) + "\n").getBytes(StandardCharsets.UTF_8));
        try {
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
        } catch (IOException e) {
            throw failure(path, e);
        }
    }

    private static BackpackException failure(Path path, IOException e) {
        return new BackpackException(
                LogProblems.INVALID_LOG, "The log '%s' cannot be written: %s.".formatted(path, e.getMessage()), e);
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw failure(path, e);
        }
    }
}
