// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.formats;

import java.nio.ByteBuffer;

/** Turns the bytes of a safetensors file into numbers. */
final class Elements {

    private Elements() {}

    static void decode(SafetensorsType type, ByteBuffer bytes, double[] target, int offset, int count) {
        if (type == SafetensorsType.F64) {
            bytes.asDoubleBuffer().get(target, offset, count);
            return;
        }
        for (int i = 0; i < count; i++) {
            target[offset + i] = real(type, bytes);
        }
    }

    static void decode(SafetensorsType type, ByteBuffer bytes, float[] target, int offset, int count) {
        if (type == SafetensorsType.F32) {
            bytes.asFloatBuffer().get(target, offset, count);
            return;
        }
        for (int i = 0; i < count; i++) {
            target[offset + i] = (float) real(type, bytes);
        }
    }

    static void decode(SafetensorsType type, ByteBuffer bytes, long[] target, int offset, int count) {
        for (int i = 0; i < count; i++) {
            target[offset + i] = integer(type, bytes);
        }
    }

    private static double real(SafetensorsType type, ByteBuffer bytes) {
        return switch (type) {
            case F64 -> bytes.getDouble();
            case F32 -> bytes.getFloat();
            case F16 -> half(bytes.getShort());
            case BF16 -> Float.intBitsToFloat(bytes.getShort() << 16);
            default -> throw new IllegalArgumentException(type + " does not hold real numbers");
        };
    }

    private static long integer(SafetensorsType type, ByteBuffer bytes) {
        return switch (type) {
            case I64, U64 -> bytes.getLong();
            case I32 -> bytes.getInt();
            case I16 -> bytes.getShort();
            case I8 -> bytes.get();
            case U32 -> Integer.toUnsignedLong(bytes.getInt());
            case U16 -> Short.toUnsignedLong(bytes.getShort());
            case U8, BOOL -> Byte.toUnsignedLong(bytes.get());
            default -> throw new IllegalArgumentException(type + " does not hold integers");
        };
    }

    /** Float.float16ToFloat exists from Java 20 on. */
    private static double half(short bits) {
        int exponent = bits >>> 10 & 0x1f;
        int mantissa = bits & 0x3ff;
        double magnitude = switch (exponent) {
            case 0 -> Math.scalb((double) mantissa, -24);
            case 0x1f -> mantissa == 0 ? Double.POSITIVE_INFINITY : Double.NaN;
            default -> Math.scalb(1024.0 + mantissa, exponent - 25);
        };
        return bits < 0 ? -magnitude : magnitude;
    }
}
