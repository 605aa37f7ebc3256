// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.loops;

import java.io.Closeable;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.BitSet;

/**
 * How many processors other programs take, as Linux counts: what was done on the processors that this process may run
 * on, less what this process did. A hypervisor that takes processors away counts as another program. A look allocates
 * nothing.
 */
public final class OtherPrograms implements Closeable {

    /** Where Linux tells. */
    public static final Path PROC = Path.of("/proc");

    /** Linux counts time for programs in hundredths of a second, whatever it does inside. */
    private static final double NANOSECONDS = 1e7;

    /** Fields of {@code /proc/self/stat} behind the program's name: time in the program and time in the system. */
    private static final int OWN_FIRST = 11;

    private static final int OWN_LAST = 12;

    /** Fields of a processor in {@code /proc/stat}: all but idling, waiting for a disk, and guests, counted before. */
    private static final int IDLE = 3;

    private static final int WAITING = 4;
    private static final int STOLEN = 7;

    /** Enough for some 500 processors, which come first. */
    private final byte[] text = new byte[1 << 15];

    private final RandomAccessFile all;
    private final RandomAccessFile own;
    private final BitSet processors;
    private long others;
    private long time;

    /**
     * Begins to count.
     *
     * @param folder {@link #PROC}, or another with its files
     * @param now {@link System#nanoTime}
     */
    public OtherPrograms(Path folder, long now) throws IOException {
        processors = allowed(Files.readString(folder.resolve("self/status"), StandardCharsets.ISO_8859_1));
        all = new RandomAccessFile(folder.resolve("stat").toFile(), "r");
        try {
            own = new RandomAccessFile(folder.resolve("self/stat").toFile(), "r");
        } catch (IOException e) {
            all.close();
            throw e;
        }
        try {
            others = count();
        } catch (IOException | RuntimeException e) {
            close();
            throw e;
        }
        time = now;
    }

    /** How many processors this process may run on. */
    public int available() {
        return processors.cardinality();
    }

    /**
     * How many processors others took since the last look, on average.
     *
     * @param now {@link System#nanoTime}
     */
    public double look(long now) throws IOException {
        long counted = count();
        double taken = (counted - others) * NANOSECONDS / Math.max(1, now - time);
        others = counted;
        time = now;
        return taken;
    }

    private long count() throws IOException {
        return busy(read(all)) - own(read(own));
    }

    private int read(RandomAccessFile file) throws IOException {
        file.seek(0);
        int length = 0;
        while (length < text.length) {
            int more = file.read(text, length, text.length - length);
            if (more < 0) {
                break;
            }
            length += more;
        }
        return length;
    }

    /** The sum over lines such as {@code cpu1 4559247 203481 303752 1650537 6920 0 4951 3811 0 0}. */
    private long busy(int length) throws IOException {
        long sum = 0;
        int seen = 0;
        for (int start = 0; start < length; start = next(start, length, '\n')) {
            boolean isProcessor = length - start > 3
                    && text[start] == 'c'
                    && text[start + 1] == 'p'
                    && text[start + 2] == 'u'
                    && isDigit(text[start + 3]);
            if (isProcessor && processors.get((int) number(start + 3, length))) {
                seen++;
                int place = start;
                for (int field = 0; field <= STOLEN; field++) {
                    place = next(place, length, ' ');
                    sum += field == IDLE || field == WAITING ? 0 : number(place, length);
                }
            }
        }
        if (seen == 0) {
            throw new IOException("no processor is told of");
        }
        return sum;
    }

    /** The sum of two fields behind the program's name, which stands in parentheses and may have blanks. */
    private long own(int length) throws IOException {
        int place = length;
        while (place > 0 && text[place - 1] != ')') {
            place--;
        }
        if (place == 0) {
            throw new IOException("no program is told of");
        }
        place = next(place, length, ' ');
        long sum = 0;
        for (int field = 0; field <= OWN_LAST; field++) {
            sum += field < OWN_FIRST ? 0 : number(place, length);
            place = next(place, length, ' ');
        }
        return sum;
    }

    /** The place behind the next {@code end}. */
    private int next(int from, int length, char end) {
        int place = from;
        while (place < length && text[place] != end) {
            place++;
        }
        return Math.min(length, place + 1);
    }

    private long number(int from, int length) {
        long number = 0;
        for (int place = from; place < length && isDigit(text[place]); place++) {
            number = 10 * number + text[place] - '0';
        }
        return number;
    }

    private static boolean isDigit(byte letter) {
        return letter >= '0' && letter <= '9';
    }

    /** The processors in a line such as {@code Cpus_allowed_list: 0-1,4}. */
    private static BitSet allowed(String status) throws IOException {
        String list = status.lines()
                .filter(line -> line.startsWith("Cpus_allowed_list:"))
                .map(line -> line.substring(line.indexOf(':') + 1).strip())
                .findFirst()
                .orElseThrow(() -> new IOException("the processors that this process may use are not told"));
        BitSet processors = new BitSet();
        for (String range : list.split(",")) {
            String[] ends = range.split("-");
            try {
                processors.set(Integer.parseInt(ends[0]), Integer.parseInt(ends[ends.length - 1]) + 1);
            } catch (NumberFormatException e) {
                throw new IOException("no list of processors: " + list, e);
            }
        }
        return processors;
    }

    @Override
    public void close() throws IOException {
        try (all) {
            own.close();
        }
    }
}
