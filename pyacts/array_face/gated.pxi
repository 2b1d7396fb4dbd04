# Gated units: elementwise in two arrays, the gate and what goes up through it.

cdef class Gated(Elementwise):
    """The kernels and ufuncs of one gated unit, and the checks of its arguments."""

    cdef object of_two(self, object gate, object up, PyObject **given, object out, dict keywords):
        cdef double params[MOST_PARAMS]
        cdef const void *inputs[MOST_INPUTS]
        cdef void *outputs[MOST_OUTPUTS]
        cdef cnp.ndarray first, second, target
        cdef int d
        if cnp.PyArray_CheckExact(gate) and cnp.PyArray_CheckExact(up) and not keywords:
            first, second = gate, up
            d = dtype_index(first)
            if (d >= 0 and is_direct(first, 0) and is_direct(second, 0) and same_layout(first, second)
                    and self.numbers(given, d, False, params)):
                target = direct_target(first, second, out)
                if target is not None:
                    inputs[0], inputs[1] = cnp.PyArray_DATA(first), cnp.PyArray_DATA(second)
                    outputs[0] = cnp.PyArray_DATA(target)
                    run(&self.storage[FORWARD].loops[d], cnp.PyArray_SIZE(first), inputs, outputs, params)
                    return target
        gate, up = as_operands((gate, up))
        parameters = self.operands(given, self.joint_dtype(gate, up), False, keywords)
        return self.apply(FORWARD, (gate, up), parameters, out, keywords)

    cdef object joint_dtype(self, object gate, object up):
        """The dtype of the ufunc's result; None for what is no dtype of NumPy's."""
        dtypes = [result_dtype(self.name, getattr(array, "dtype", None)) for array in (gate, up)]
        return None if None in dtypes else np.result_type(*dtypes)

    cdef object of_two_inplace(self, object gate, object up, PyObject **given):
        cdef double params[MOST_PARAMS]
        cdef const void *inputs[MOST_INPUTS]
        cdef void *outputs[MOST_OUTPUTS]
        cdef cnp.ndarray first, second
        cdef int d
        if cnp.PyArray_CheckExact(gate) and cnp.PyArray_CheckExact(up):
            first, second = gate, up
            d = dtype_index(first)
            if (d >= 0 and is_direct(first, 0) and is_direct(second, cnp.NPY_ARRAY_WRITEABLE)
                    and same_layout(first, second) and self.numbers(given, d, False, params)
                    and not overlaps_partly(first, second)):
                inputs[0], inputs[1] = cnp.PyArray_DATA(first), cnp.PyArray_DATA(second)
                outputs[0] = cnp.PyArray_DATA(second)
                run(&self.storage[FORWARD].loops[d], cnp.PyArray_SIZE(first), inputs, outputs, params)
                return up
        remedy = f"use pyacts.{self.name}(gate, up)"
        check_target(up, "up", remedy)
        check_no_mask(self.name, gate, "gate", remedy)
        _, gate = check_alike(f"{self.name}_", ("up", "gate"), (up, gate))
        parameters = self.operands(given, up.dtype, False, {})
        check_no_partial_overlap(up, gate, "gate", "up")
        plain = up.view(np.ndarray)
        self.apply(FORWARD, (gate, plain), parameters, plain, {})
        return up

    cdef object of_two_backward(self, object grad, object gate, object up, PyObject **given, object out, bint inplace):
        cdef double params[MOST_PARAMS]
        cdef const void *inputs[MOST_INPUTS]
        cdef void *outputs[MOST_OUTPUTS]
        cdef cnp.ndarray first, second, third, dgate, dup
        cdef int d
        cdef object wanted = (gate, up) if inplace else (None, None) if out is None else out
        if (cnp.PyArray_CheckExact(grad) and cnp.PyArray_CheckExact(gate) and cnp.PyArray_CheckExact(up)
                and type(wanted) is tuple and len(wanted) == 2):
            first, second, third = grad, gate, up
            d = dtype_index(first)
            if (d >= 0 and is_direct(first, 0) and is_direct(second, 0) and is_direct(third, 0)
                    and same_layout(first, second) and same_layout(first, third)
                    and self.numbers(given, d, False, params)):
                dgate, dup = direct_target(first, second, wanted[0]), direct_target(first, second, wanted[1])
                if (dgate is not None and dup is not None and not overlaps_partly(third, dgate)
                        and not overlaps_partly(third, dup) and not overlaps_partly(dgate, dup)
                        and cnp.PyArray_DATA(dgate) != cnp.PyArray_DATA(dup)):
                    inputs[0], inputs[1] = cnp.PyArray_DATA(first), cnp.PyArray_DATA(second)
                    inputs[2] = cnp.PyArray_DATA(third)
                    outputs[0], outputs[1] = cnp.PyArray_DATA(dgate), cnp.PyArray_DATA(dup)
                    run(&self.storage[BACKWARD].loops[d], cnp.PyArray_SIZE(first), inputs, outputs, params)
                    return dgate, dup
        function = f"{self.name}_backward"
        if inplace:
            remedy = f"use pyacts.{function}(grad, gate, up)"
            check_target(gate, "gate", remedy)
            check_target(up, "up", remedy)
            check_no_mask(function, grad, "grad", remedy)
        grad, own_gate, own_up = check_alike(function, ("grad", "gate", "up"), (grad, gate, up))
        parameters = self.operands(given, getattr(own_gate, "dtype", None), False, {})
        self.check_shapes(function, parameters, own_gate.shape, "gate")
        if not inplace:
            check_outs(function, out, "gate", own_gate)
            return self.apply(BACKWARD, (grad, own_gate, own_up), parameters, out, {})
        check_no_partial_overlap(gate, grad, "grad", "gate")
        check_no_partial_overlap(up, grad, "grad", "up")
        if np.shares_memory(gate, up):
            raise ValueError(f"gate and up share memory, so both can't be changed in place: copy one of them, or "
                             f"{remedy}")
        targets = gate.view(np.ndarray), up.view(np.ndarray)
        self.apply(BACKWARD, (grad, *targets), parameters, targets, {})
        return gate, up
