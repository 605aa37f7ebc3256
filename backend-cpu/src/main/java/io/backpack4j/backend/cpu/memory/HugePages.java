// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.memory;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Pages of 2 MiB for large blocks, where Linux has them. What walks through large memory finds its pages in the
 * processor's table of them then, and the system clears 512 times fewer pages when they are new.
 *
 * <p>The C library's {@code malloc} knows nothing of it, and {@code madvise} has to say so for each block.
 */
public final class HugePages {

    /** The property {@code backpack.cpu.huge_pages}. */
    public static final String PROPERTY = "huge_pages";

    /** Ordinary pages only. */
    static final HugePages NONE = new HugePages(0);

    private static final String AUTO = "auto";
    private static final String NEVER = "never";

    /** Linux's number of the advice. */
    private static final long MADV_HUGEPAGE = 14;

    /** Larger ones, as 64-bit ARM has them with pages of 64 KiB, would waste more than they save. */
    private static final long LARGEST = 32L << 20;

    /**
     * Larger blocks the C library maps each by itself, and returns as a whole. Smaller ones may leave something behind
     * when they are freed, once others of their size were: what it holds for the next has huge pages then, too.
     */
    private static final long MAPPED_ALONE = 32L << 20;

    private static final Path SYSTEM = Path.of("/sys/kernel/mm/transparent_hugepage");
    private static final Logger LOG = LoggerFactory.getLogger(HugePages.class);

    /** 0 if there are none. */
    private final long pageBytes;

    private HugePages(long pageBytes) {
        this.pageBytes = pageBytes;
    }

    /**
     * What the system has, unless the user wants none.
     *
     * @param wish {@code auto} or {@code never}
     */
    public static HugePages of(Optional<String> wish) {
        String text = wish.orElse(AUTO);
        if (text.equals(NEVER)) {
            return NONE;
        }
        if (!text.equals(AUTO)) {
            throw new BackpackException(
                    CommonProblems.INVALID_OPTION,
                    "backpack.cpu.huge_pages is '%s', but must be %s or %s.".formatted(text, AUTO, NEVER));
        }
        return OfSystem.PAGES;
    }

    /** Whether the system has some. */
    boolean available() {
        return pageBytes > 0;
    }

    /**
     * These, for a block of some bytes; or ordinary pages where memory is counted, unless the block is mapped by
     * itself.
     *
     * @param counted whether somebody relies on the process having no more than the blocks
     */
    HugePages unless(boolean counted, long bytes) {
        return counted && bytes <= MAPPED_ALONE ? NONE : this;
    }

    /** What a block's address should be a multiple of. */
    long alignment(long bytes) {
        return pageBytes > 0 && bytes >= pageBytes ? pageBytes : SizeClass.ALIGNMENT;
    }

    /**
     * Asks for huge pages, which the system gives as they are touched, as far as it has some. What it answers says
     * nothing about that, so nobody asks.
     */
    void advise(long address, long bytes) {
        if (pageBytes > 0 && bytes >= pageBytes) {
            NativeFunction madvise = Madvise.FUNCTION;
            if (madvise != null) {
                madvise.call(address, bytes, MADV_HUGEPAGE);
            }
        }
    }

    private static HugePages ofSystem() {
        try {
            if (!Files.isReadable(SYSTEM.resolve("enabled"))
                    || Files.readString(SYSTEM.resolve("enabled")).contains("[never]")) {
                return NONE;
            }
            long bytes = Long.parseLong(
                    Files.readString(SYSTEM.resolve("hpage_pmd_size")).strip());
            return bytes <= LARGEST ? new HugePages(bytes) : NONE;
        } catch (IOException | RuntimeException e) {
            LOG.debug("The size of huge pages cannot be read: ordinary ones are used.", e);
            return NONE;
        }
    }

    /** Found out when the first backend opens. */
    private static final class OfSystem {
        static final HugePages PAGES = ofSystem();
    }

    /** Found out when the first large block is allocated. */
    private static final class Madvise {
        static final @Nullable NativeFunction FUNCTION =
                NativeFunction.find("madvise").orElse(null);
    }
}
