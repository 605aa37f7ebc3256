// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.formats;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The frame of a zip archive whose members are stored and whose sizes are known beforehand. Format: PKWARE's APPNOTE
 * 6.3, sections 4.3 and 4.5.3; sizes and offsets beyond 32 bits stand in zip64's fields.
 */
final class ZipLayout {

    /** The first size and offset that 32 bits cannot say: all ones mean that zip64 has it. */
    static final long LIMIT = 0xffff_ffffL;

    private static final int MOST_MEMBERS = 0xffff;
    private static final int MOST_NAME_BYTES = 0xffff;
    private static final int LOCAL = 0x0403_4b50;
    private static final int LOCAL_BYTES = 30;
    private static final int ENTRY = 0x0201_4b50;
    private static final int ENTRY_BYTES = 46;
    private static final int END = 0x0605_4b50;
    private static final int END_BYTES = 22;
    private static final int WIDE_END = 0x0606_4b50;
    private static final int WIDE_END_BYTES = 56;
    private static final int LOCATOR = 0x0706_4b50;
    private static final int LOCATOR_BYTES = 20;
    private static final short WIDE_EXTRA = 1;
    private static final int EXTRA_HEAD_BYTES = 4;
    private static final short VERSION = 20;
    private static final short WIDE_VERSION = 45;
    private static final short UTF8_NAME = 1 << 11;
    private static final short STORED = 0;
    /** The first day that zip knows, as numpy.savez has it: equal results make equal files. */
    private static final short DATE = 1 << 5 | 1;

    private final Path target;
    private final long limit;
    private final List<ZipMember> members = new ArrayList<>();
    private long end;

    ZipLayout(Path target, long limit) {
        this.target = target;
        this.limit = limit;
    }

    /**
     * Lays out the next member.
     *
     * @param prefix its first bytes
     * @param dataBytes how many follow
     * @throws ArithmeticException if the archive would be larger than a file can be
     */
    ZipMember add(String name, byte[] prefix, long dataBytes) {
        byte[] encoded = name.getBytes(StandardCharsets.UTF_8);
        if (encoded.length > MOST_NAME_BYTES) {
            throw Failures.unwritable(
                    target.toString(),
                    "the name %s has %d bytes, but a zip archive allows %d"
                            .formatted(Failures.quoted(name), encoded.length, MOST_NAME_BYTES));
        }
        boolean wide = Math.addExact(prefix.length, dataBytes) >= limit;
        ZipMember member = new ZipMember(encoded, prefix, dataBytes, end, wide);
        members.add(member);
        end = Math.addExact(Math.addExact(end, (long) localBytes(encoded, wide)), member.size());
        return member;
    }

    static int localBytes(byte[] name, boolean wide) {
        return LOCAL_BYTES + name.length + (wide ? EXTRA_HEAD_BYTES + 2 * Long.BYTES : 0);
    }

    /** Writes the headers of all members, with their checksums, and the directory. */
    void finish(ReplacementFile file) {
        long position = end;
        for (ZipMember member : members) {
            int sum = member.checksum(file);
            file.write(member.position(), local(member, sum));
            ByteBuffer entry = entry(member, sum);
            int bytes = entry.remaining();
            file.write(position, entry);
            position += bytes;
        }
        file.write(position, ending(position));
    }

    private static ByteBuffer buffer(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static ByteBuffer local(ZipMember member, int sum) {
        ByteBuffer header = buffer(localBytes(member.name(), member.isWide())).putInt(LOCAL);
        putCommon(header, member, member.isWide(), sum);
        header.putShort((short) (member.isWide() ? EXTRA_HEAD_BYTES + 2 * Long.BYTES : 0))
                .put(member.name());
        if (member.isWide()) {
            header.putShort(WIDE_EXTRA)
                    .putShort((short) (2 * Long.BYTES))
                    .putLong(member.size())
                    .putLong(member.size());
        }
        return header.flip();
    }

    /** What a local header and an entry of the directory have in common, from the version to the length of the name. */
    private static void putCommon(ByteBuffer header, ZipMember member, boolean version45, int sum) {
        boolean ascii =
                StandardCharsets.US_ASCII.newEncoder().canEncode(new String(member.name(), StandardCharsets.UTF_8));
        int size = member.isWide() ? (int) LIMIT : (int) member.size();
        header.putShort(version45 ? WIDE_VERSION : VERSION)
                .putShort(ascii ? (short) 0 : UTF8_NAME)
                .putShort(STORED)
                .putShort((short) 0)
                .putShort(DATE)
                .putInt(sum)
                .putInt(size)
                .putInt(size)
                .putShort((short) member.name().length);
    }

    private ByteBuffer entry(ZipMember member, int sum) {
        boolean far = member.position() >= limit;
        int fields = (member.isWide() ? 2 * Long.BYTES : 0) + (far ? Long.BYTES : 0);
        int extra = fields == 0 ? 0 : EXTRA_HEAD_BYTES + fields;
        boolean version45 = fields > 0;
        ByteBuffer entry = buffer(ENTRY_BYTES + member.name().length + extra)
                .putInt(ENTRY)
                .putShort(version45 ? WIDE_VERSION : VERSION);
        putCommon(entry, member, version45, sum);
        // Neither comment, nor other disks, nor attributes.
        entry.putShort((short) extra)
                .putShort((short) 0)
                .putShort((short) 0)
                .putShort((short) 0)
                .putInt(0)
                .putInt(far ? (int) LIMIT : (int) member.position())
                .put(member.name());
        if (fields > 0) {
            entry.putShort(WIDE_EXTRA).putShort((short) fields);
        }
        if (member.isWide()) {
            entry.putLong(member.size()).putLong(member.size());
        }
        if (far) {
            entry.putLong(member.position());
        }
        return entry.flip();
    }

    private ByteBuffer ending(long position) {
        long directoryBytes = position - end;
        boolean many = members.size() >= MOST_MEMBERS;
        boolean wide = many || directoryBytes >= limit || end >= limit;
        ByteBuffer ending = buffer(END_BYTES + (wide ? WIDE_END_BYTES + LOCATOR_BYTES : 0));
        if (wide) {
            ending.putInt(WIDE_END)
                    .putLong(WIDE_END_BYTES - Integer.BYTES - Long.BYTES)
                    .putShort(WIDE_VERSION)
                    .putShort(WIDE_VERSION)
                    .putInt(0)
                    .putInt(0)
                    .putLong(members.size())
                    .putLong(members.size())
                    .putLong(directoryBytes)
                    .putLong(end);
            ending.putInt(LOCATOR).putInt(0).putLong(position).putInt(1);
        }
        short count = (short) (many ? MOST_MEMBERS : members.size());
        ending.putInt(END)
                .putShort((short) 0)
                .putShort((short) 0)
                .putShort(count)
                .putShort(count)
                .putInt(directoryBytes >= limit ? (int) LIMIT : (int) directoryBytes)
                .putInt(end >= limit ? (int) LIMIT : (int) end)
                .putShort((short) 0);
        return ending.flip();
    }
}
