// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.influence;

import io.backpack4j.kernel.Model;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Tensor;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** SHA-256 of names and numbers of all parameters and buffers. */
final class Fingerprint {

    private Fingerprint() {}

    static String of(Model model) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            for (String name : model.parameters().names()) {
                digest.update(name.getBytes(StandardCharsets.UTF_8));
                digest.update(bytes(model.parameters().get(name)));
            }
            return HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private static ByteBuffer bytes(Tensor tensor) {
        ByteBuffer bytes = ByteBuffer.allocate(
                Math.toIntExact(Math.multiplyExact(tensor.shape().elements(), Long.BYTES)));
        if (tensor.dtype() == DType.INT64) {
            bytes.asLongBuffer().put(tensor.toLongArray());
        } else {
            bytes.asDoubleBuffer().put(tensor.toDoubleArray());
        }
        return bytes;
    }
}
