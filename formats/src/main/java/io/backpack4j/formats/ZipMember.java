// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.formats;

import java.nio.ByteBuffer;
import java.util.zip.CRC32;

/**
 * A member of a zip archive that is stored as it is: where it stands, and its checksum, which grows with it as long as
 * it is written in order.
 */
final class ZipMember {

    private static final int CHUNK_BYTES = 1 << 16;

    private final byte[] name;
    private final byte[] prefix;
    private final long dataBytes;
    private final long position;
    private final boolean wide;
    private final CRC32 sum = new CRC32();
    private long next;
    private boolean inOrder = true;

    /**
     * Lays a member out.
     *
     * @param prefix its first bytes, which are known
     * @param dataBytes how many follow
     * @param position where its local header begins
     * @param wide whether sizes need 64 bits
     */
    ZipMember(byte[] name, byte[] prefix, long dataBytes, long position, boolean wide) {
        this.name = name;
        this.prefix = prefix;
        this.dataBytes = dataBytes;
        this.position = position;
        this.wide = wide;
        sum.update(prefix);
    }

    byte[] name() {
        return name;
    }

    /** Its size in bytes. */
    long size() {
        return prefix.length + dataBytes;
    }

    /** Where its local header begins. */
    long position() {
        return position;
    }

    boolean isWide() {
        return wide;
    }

    long headPosition() {
        return dataPosition() - prefix.length;
    }

    byte[] head() {
        return prefix;
    }

    /** Where what follows the prefix begins. */
    long dataPosition() {
        return position + ZipLayout.localBytes(name, wide) + prefix.length;
    }

    /** Notes bytes that were written. */
    void written(long at, ByteBuffer bytes) {
        inOrder &= at == next;
        if (inOrder) {
            next += bytes.remaining();
            sum.update(bytes);
        }
    }

    /** The checksum of all bytes; those that came out of order are read back. */
    int checksum(ReplacementFile file) {
        if (!inOrder) {
            sum.reset();
            sum.update(prefix);
            ByteBuffer chunk = ByteBuffer.allocate(CHUNK_BYTES);
            for (long done = 0; done < dataBytes; done += chunk.limit()) {
                chunk.clear().limit((int) Math.min(CHUNK_BYTES, dataBytes - done));
                file.read(dataPosition() + done, chunk);
                sum.update(chunk.flip());
            }
        }
        return (int) sum.getValue();
    }
}
