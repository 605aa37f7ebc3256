package io.backpack4j.kernel.internal.pass;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.extension.NetworkPartial;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.module.Operand;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;

/** All sites of one request. */
record NetworkPartialView(
        List<SitePartial> sites, long samples, DType dtype, GivenOperands operands, Backend backend, TensorScope scope)
        implements NetworkPartial {

    @Override
    public Tensor operand(String name) {
        return operands.of(name, Operand.NETWORK);
    }
}
