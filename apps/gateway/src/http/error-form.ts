import { applyDecorators, Injectable } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { FASTIFY_ROUTE_CONFIG_METADATA } from '@nestjs/platform-fastify/constants';
import { ApiExtension } from '@nestjs/swagger';
import { withoutKeys, type DomainError } from '@hitl/domain';
import { PROBLEM_TYPE, toProblem } from '@hitl/service';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** How the errors of an API are written. */
export interface ErrorForm {
  /** The schema that describes it in the API's description. */
  schema: string;
  /** Its media type. */
  type: string;
  /** The body; may change the reply's status, which is the error's own, and its headers. */
  write(error: DomainError, request: FastifyRequest, reply: FastifyReply): object;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Without it errors are RFC 9457 problems. */
    errorForm?: ErrorForm;
  }
}

export const PROBLEM_FORM: ErrorForm = {
  schema: 'Problem',
  type: PROBLEM_TYPE,
  write: (error, request) => toProblem(error, request.id, withoutKeys(request.url)),
};

/** Where {@link ErrorsAs} leaves the form of an operation until the document is made. */
export const ERROR_FORM = 'x-error-form';

/** The form of the errors of all routes of a controller. */
export function ErrorsAs(form: ErrorForm): ClassDecorator {
  const { schema, type } = form;
  const ofRoutes: ClassDecorator = ({ prototype }) => {
    for (const [key, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(prototype as object))) {
      if (key === 'constructor') continue;
      // A route may have said something of itself, such as that it is public.
      const own = Reflect.getMetadata(FASTIFY_ROUTE_CONFIG_METADATA, descriptor.value as object) as object;
      RouteConfig({ ...own, errorForm: form })(prototype as object, key, descriptor);
    }
  };
  return applyDecorators(ofRoutes, ApiExtension(ERROR_FORM, { schema, type }));
}

/** Finds the form of addresses that no route has, by whom they are meant for. */
@Injectable()
export class ErrorForms {
  private readonly doors: { isMeant: (url: string) => boolean; form: ErrorForm }[] = [];

  /** @param isMeant whether an address, with its query, is meant for the API whose form it is */
  add(isMeant: (url: string) => boolean, form: ErrorForm): void {
    this.doors.push({ isMeant, form });
  }

  of({ is404, url, routeOptions }: FastifyRequest): ErrorForm {
    const form = is404 ? this.doors.find(({ isMeant }) => isMeant(url))?.form : routeOptions.config.errorForm;
    return form ?? PROBLEM_FORM;
  }
}
