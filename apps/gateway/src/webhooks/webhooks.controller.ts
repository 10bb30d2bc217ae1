import { Body, Controller, Delete, Get, HttpCode, Post, Res } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiCreatedResponse,
  ApiHeader,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import type { Caller } from '@hitl/domain';
import { Allow } from '@hitl/service';
import type { FastifyReply } from 'fastify';
import { CurrentCaller } from '../http/caller';
import { IdempotencyKey, markReplayed, type Idempotency } from '../http/idempotency';
import { PathId } from '../http/path';
import {
  CreateWebhookEndpoint,
  deliveryDto,
  endpointDto,
  OwedDelivery,
  WebhookDeliveryList,
  WebhookEndpointList,
  WebhookEndpointWithSecret,
  withSecret,
} from './webhook.dto';
import { WebhooksService } from './webhooks.service';
import { ApiErrors } from '../openapi/api-errors';
import { idempotencyKey } from '../openapi/headers';

const EndpointId = () => PathId('id', 'webhook_endpoint_not_found', 'webhook endpoint');
const DeliveryId = () => PathId('deliveryId', 'webhook_delivery_not_found', 'webhook delivery');

@ApiTags('webhooks')
@Controller('v1/webhook-endpoints')
export class WebhooksController {
  constructor(private readonly webhooks: WebhooksService) {}

  @ApiOperation({
    summary: 'Get notified of every job that ends',
    description:
      'Each gets {"type", "timestamp", "data": {"id", "status"}} with the headers of Standard Webhooks, at least once. ' +
      'Reply with 2xx within 15 seconds; 410 disables the endpoint, anything else is tried again for about three days.',
  })
  @ApiHeader(idempotencyKey('Makes a repetition harmless.'))
  @ApiCreatedResponse({ type: WebhookEndpointWithSecret })
  @ApiErrors('too_many_webhook_endpoints', 'idempotency_conflict')
  @Allow('webhooks:write')
  @Post()
  @HttpCode(201)
  async createWebhookEndpoint(
    @Body() body: CreateWebhookEndpoint,
    @CurrentCaller() caller: Caller,
    @IdempotencyKey() idempotency: Idempotency | null,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<WebhookEndpointWithSecret> {
    const { endpoint, replayed } = await this.webhooks.create(caller, body.url, idempotency);
    markReplayed(reply, replayed);
    return withSecret(endpoint);
  }

  @ApiOperation({ summary: 'List the endpoints, oldest first' })
  @ApiOkResponse({ type: WebhookEndpointList })
  @Allow('webhooks:write')
  @Get()
  async listWebhookEndpoints(@CurrentCaller() caller: Caller): Promise<WebhookEndpointList> {
    return { data: (await this.webhooks.list(caller)).map(endpointDto) };
  }

  @ApiOperation({ summary: 'Delete an endpoint, with what it is still owed' })
  @ApiNoContentResponse()
  @ApiErrors('webhook_endpoint_not_found')
  @Allow('webhooks:write')
  @Delete(':id')
  @HttpCode(204)
  deleteWebhookEndpoint(@EndpointId() id: string, @CurrentCaller() caller: Caller): Promise<void> {
    return this.webhooks.remove(caller, id);
  }

  @ApiOperation({
    summary: 'Give an endpoint a new secret',
    description: 'For a day the old one signs, too: webhook-signature then holds two signatures.',
  })
  @ApiOkResponse({ type: WebhookEndpointWithSecret })
  @ApiErrors('webhook_endpoint_not_found')
  @Allow('webhooks:write')
  @Post(':id/rotate-secret')
  @HttpCode(200)
  async rotateWebhookSecret(
    @EndpointId() id: string,
    @CurrentCaller() caller: Caller,
  ): Promise<WebhookEndpointWithSecret> {
    return withSecret(await this.webhooks.rotateSecret(caller, id));
  }

  @ApiOperation({ summary: 'Send a message of type ping', description: 'Its data is empty.' })
  @ApiAcceptedResponse({ type: OwedDelivery })
  @ApiErrors('webhook_endpoint_not_found', 'too_many_webhook_calls')
  @Allow('webhooks:write')
  @Post(':id/ping')
  @HttpCode(202)
  async pingWebhookEndpoint(
    @EndpointId() id: string,
    @CurrentCaller() caller: Caller,
  ): Promise<OwedDelivery> {
    return { delivery_id: await this.webhooks.ping(caller, id) };
  }

  @ApiOperation({ summary: 'List what an endpoint was sent and what it replied, newest first' })
  @ApiOkResponse({ type: WebhookDeliveryList })
  @ApiErrors('webhook_endpoint_not_found')
  @Allow('webhooks:write')
  @Get(':id/deliveries')
  async listWebhookDeliveries(
    @EndpointId() id: string,
    @CurrentCaller() caller: Caller,
  ): Promise<WebhookDeliveryList> {
    return { data: (await this.webhooks.deliveries(caller, id)).map(deliveryDto) };
  }

  @ApiOperation({
    summary: 'Send a delivery again',
    description: 'With the same webhook-id, whatever became of it before.',
  })
  @ApiAcceptedResponse({ type: OwedDelivery })
  @ApiErrors('webhook_endpoint_not_found', 'webhook_delivery_not_found', 'too_many_webhook_calls')
  @Allow('webhooks:write')
  @Post(':id/deliveries/:deliveryId/redeliver')
  @HttpCode(202)
  async redeliverWebhook(
    @EndpointId() id: string,
    @DeliveryId() deliveryId: string,
    @CurrentCaller() caller: Caller,
  ): Promise<OwedDelivery> {
    await this.webhooks.redeliver(caller, id, deliveryId);
    return { delivery_id: deliveryId };
  }
}
