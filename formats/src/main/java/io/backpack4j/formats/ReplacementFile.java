// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.formats;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;

/** A file under a temporary name that takes its target's place in one step, or leaves no trace. */
final class ReplacementFile implements AutoCloseable {

    /** Temporary files of this process, which are removed if it is ended from outside. */
    private static final Set<Path> OPEN = ConcurrentHashMap.newKeySet();

    static {
        Runtime.getRuntime().addShutdownHook(new Thread(ReplacementFile::removeAll, "backpack4j-files"));
    }

    private final Path target;
    private final Path temporary;
    private final FileChannel channel;

    private ReplacementFile(Path target, Path temporary, FileChannel channel) {
        this.target = target;
        this.temporary = temporary;
        this.channel = channel;
    }

    static ReplacementFile create(Path target) {
        try {
            // What a link points to is replaced, not the link.
            Path real = Files.isSymbolicLink(target) ? target.toRealPath() : target.toAbsolutePath();
            if (Files.exists(real) && !Files.isRegularFile(real)) {
                throw Failures.unwritable(target.toString(), "it exists and is not a regular file");
            }
            Path directory = real.resolveSibling("");
            if (!Files.isDirectory(directory)) {
                throw Failures.unwritable(
                        target.toString(), Failures.quoted(directory.toString()) + " is not a directory");
            }
            // Not createTempFile: its files are for their owner only.
            Path temporary = directory.resolve(".backpack4j-" + UUID.randomUUID() + ".tmp");
            FileChannel channel = FileChannel.open(
                    temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE);
            OPEN.add(temporary);
            return new ReplacementFile(real, temporary, channel);
        } catch (IOException e) {
            throw Failures.unwritable(target.toString(), e);
        }
    }

    void write(long position, ByteBuffer bytes) {
        try {
            long end = position + bytes.remaining();
            while (bytes.hasRemaining()) {
                channel.write(bytes, end - bytes.remaining());
            }
        } catch (IOException e) {
            throw Failures.unwritable(target.toString(), e);
        }
    }

    /** Reads back what was written, until the buffer is full. */
    void read(long position, ByteBuffer bytes) {
        try {
            long end = position + bytes.remaining();
            while (bytes.hasRemaining()) {
                if (channel.read(bytes, end - bytes.remaining()) < 0) {
                    throw new EOFException();
                }
            }
        } catch (IOException e) {
            throw Failures.unwritable(target.toString(), e);
        }
    }

    void commit() {
        try {
            channel.force(true);
            channel.close();
            Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
            OPEN.remove(temporary);
        } catch (IOException e) {
            throw Failures.unwritable(target.toString(), e);
        }
    }

    /** Removes the temporary file, if it was not committed. */
    @Override
    public void close() {
        try {
            channel.close();
            Files.deleteIfExists(temporary);
            OPEN.remove(temporary);
        } catch (IOException e) {
            throw Failures.unwritable(target.toString(), e);
        }
    }

    private static void removeAll() {
        for (Path temporary : OPEN) {
            try {
                Files.deleteIfExists(temporary);
            } catch (IOException e) {
                // The process ends: nobody is left to be told.
            }
        }
    }
}
